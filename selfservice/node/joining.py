"""How a machine becomes a worker: it keeps the token of its master, and says hello."""

from __future__ import annotations

from dataclasses import replace

from selfservice.errors import BadInput
from selfservice.health import sample
from selfservice.nodes.accepted_tokens import AcceptedTokens
from selfservice.nodes.address import node_address, node_name
from selfservice.nodes.master import Master
from selfservice.nodes.own_token import Joined, keep
from selfservice.settings import NodeType, SettingError, Settings


def join(settings: Settings, master_url: str, name: str, token: str) -> str:
    """Keep token and master once the master has accepted them; what to do next.

    Raises BadInput, SettingError, NodeTrouble, MasterRefused.
    """
    if settings.node_type is not NodeType.WORKER:
        raise SettingError("Only a worker joins a master: set SELFSERVICE_TYPE=WORKER.")
    if not token.isascii() or not token.isprintable() or not token:
        raise BadInput("This is no token: paste what the master has shown, all of it.")
    what = Joined(node_address(master_url), node_name(name))
    as_joined = replace(settings, master_bearer_token=token)
    try:
        settings.instance.mkdir(mode=0o700, parents=True, exist_ok=True)
        said = Master(as_joined, what).beat({**sample.take(), "accepts": []})
        keep(settings, token, what)
        AcceptedTokens(settings).replace([str(each) for each in said.get("accept", ())])
    except OSError as error:
        raise SettingError(f"What the master told cannot be kept in {settings.instance}: {error.strerror}.") from error
    return f"{what.name} belongs to {what.master_url} now. Start it: SELFSERVICE_TYPE=WORKER python run.py"
