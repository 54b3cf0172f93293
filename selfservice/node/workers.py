"""What somebody does with nodes in a terminal of the master: as that login name, audited like anything else."""

from __future__ import annotations

from selfservice.audit.journal import Journal
from selfservice.node import first_start
from selfservice.nodes.nodes import GRACE, Nodes
from selfservice.settings import NodeType, SettingError, Settings
from selfservice.store.database import Database
from selfservice.terminal.person import actor


def add_node(settings: Settings, name: str, address: str) -> str:
    """Add a worker; its token, to be shown once, and what to do there. Raises BadInput."""
    node, token = _nodes(settings).add(name, address, actor())
    return (
        f"The token of {node.name}, shown this once: {token}\n"
        "On the new machine, in a checkout of this program:\n"
        f"  SELFSERVICE_TYPE=WORKER python run.py join <address of this dashboard> --name {node.name}\n"
        "  SELFSERVICE_TYPE=WORKER python run.py"
    )


def list_nodes(settings: Settings) -> str:
    """One line a node."""
    rows = _nodes(settings).all()
    return "\n".join(f"{node.name}  {node.address}{'  (shut out)' if node.revoked else ''}" for node in rows)


def rotate_token(settings: Settings, name: str) -> str:
    """A new token for a worker, to be shown once. Raises NodeNotFound, Forbidden."""
    node, token = _nodes(settings).rotate(name, actor())
    hours = int(GRACE.total_seconds() // 3600)
    return f"The new token of {node.name}, shown this once; the old one stays good for {hours} hours: {token}"


def revoke_node(settings: Settings, name: str) -> str:
    """Shut a worker out. Raises NodeNotFound, Forbidden."""
    return f"{_nodes(settings).revoke(name, actor()).name} is shut out."


def _nodes(settings: Settings) -> Nodes:
    if settings.node_type is not NodeType.MASTER:
        raise SettingError("Nodes are looked after on their master.")
    first_start.prepare(settings)
    return Nodes(Database(settings), Journal(settings.audit, settings.node_name), settings)
