"""How each node stands, kept in state.json across restarts and read by every process."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from selfservice.health.folder import JsonOfNodes
from selfservice.health.state import Health, Standing

SCHEMA = 1


@dataclass(frozen=True)
class Kept:
    """How a node stands, and the state that was told last where this one is not told yet."""

    standing: Standing
    untold: Health | None = None


class Standings:
    """How every node stands, in files of one folder."""

    def __init__(self, folder: Path) -> None:
        """Keep it in `<folder>/<node>/state.json`."""
        self._files: JsonOfNodes[Kept] = JsonOfNodes(folder, "state.json", _read)

    def all(self) -> dict[str, Kept]:
        """Of every node that was ever judged, by name."""
        return self._files.all()

    def get(self, node: str) -> Kept | None:
        """Of one node. Raises BadInput."""
        return self._files.get(node)

    def keep(self, node: str, kept: Kept) -> None:
        """Replace what is known. Raises BadInput, OSError."""
        standing = kept.standing
        self._files.write(
            node,
            {
                "schema": SCHEMA,
                "state": standing.state,
                "since": standing.since.isoformat(),
                "why": standing.why,
                "heard_as": standing.heard_as,
                "turning_since": standing.turning_since and standing.turning_since.isoformat(),
                "changes": [change.isoformat() for change in standing.changes],
                "untold": kept.untold,
            },
        )


def _read(_node: str, value: Any) -> Kept:
    turning_since = value["turning_since"]
    standing = Standing(
        Health(value["state"]),
        datetime.fromisoformat(value["since"]),
        tuple(value["why"]),
        Health(value["heard_as"]),
        datetime.fromisoformat(turning_since) if turning_since else None,
        tuple(datetime.fromisoformat(change) for change in value["changes"]),
    )
    return Kept(standing, Health(value["untold"]) if value["untold"] else None)
