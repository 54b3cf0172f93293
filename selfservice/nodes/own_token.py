"""The token of this node itself: made by a master, given to a worker when it joins."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass

from selfservice.settings import NodeType, SettingError, Settings
from selfservice.store import files
from selfservice.store.keys import kept_key

_TOKEN_FILE = "node_token"  # noqa: S105 - a name of a file
_JOINED = "joined.json"


@dataclass(frozen=True)
class Joined:
    """What a worker knows of its master."""

    master_url: str
    #: What the master calls this node.
    name: str


def own_token(settings: Settings) -> str:
    """The token that this node sends. Raises SettingError on a worker that has none.

    Read anew each time: a new one is used from the next call on.
    """
    if settings.master_bearer_token:
        return settings.master_bearer_token
    path = settings.instance / _TOKEN_FILE
    if settings.node_type is NodeType.MASTER:
        return kept_key(path, lambda: secrets.token_urlsafe(48).encode())
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise SettingError(
            "This worker has no token. Add it on its master (Nodes page, or `python run.py node add`), then "
            "`python run.py join <address of the master>` here; or set MASTER_URL and MASTER_BEARER_TOKEN."
        ) from None


def joined(settings: Settings) -> Joined:
    """The master of this node. Raises SettingError on a worker that has not joined one."""
    if settings.node_type is NodeType.MASTER:
        scheme = "https" if settings.has_tls else "http"
        return Joined(f"{scheme}://127.0.0.1:{settings.port}", settings.node_name)
    try:
        kept = Joined(**json.loads((settings.instance / _JOINED).read_text(encoding="utf-8")))
    except FileNotFoundError:
        kept = Joined("", "")
    except (OSError, ValueError, TypeError) as error:
        raise SettingError(f"{settings.instance / _JOINED} cannot be read; join the master again.") from error
    url = settings.master_url or kept.master_url
    if not url:
        raise SettingError("This worker does not know its master: `python run.py join <address>`, or set MASTER_URL.")
    return Joined(url.rstrip("/"), kept.name or settings.node_name)


def keep(settings: Settings, token: str, what: Joined) -> None:
    """Keep a token and the master it belongs to. Raises OSError."""
    settings.instance.mkdir(mode=0o700, parents=True, exist_ok=True)
    files.write_bytes(settings.instance / _TOKEN_FILE, token.encode("ascii") + b"\n")
    files.write_json(settings.instance / _JOINED, asdict(what))
