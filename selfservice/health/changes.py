"""What became of a node, and when: the latest changes of its state, one JSON line each."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from selfservice.health.folder import node_folder
from selfservice.health.state import Health
from selfservice.store import files

#: The file is cut to the newer half of this when it has so many lines.
_MOST = 1000


@dataclass(frozen=True)
class Change:
    """A node came from one state into another."""

    node: str
    at: datetime
    old: Health
    new: Health
    why: tuple[str, ...]


class Changes:
    """The changes of every node, in files of one folder."""

    def __init__(self, folder: Path) -> None:
        """Keep them in `<folder>/<node>/changes.jsonl`."""
        self._folder = folder

    def add(self, change: Change) -> None:
        """Keep one more, unless it is there already. Raises OSError."""
        path = self._path(change.node)
        known = self.of(change.node)
        if change in known[-1:]:
            return
        line = _line(change)
        if len(known) >= _MOST:
            kept = [*map(_line, known[-_MOST // 2 :]), line]
            files.write_bytes(path, "".join(kept).encode(), durable=False)
            return
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with path.open("ab") as file:
            # What was torn ends at the empty line; the reader leaves it out.
            file.write(f"\n{line}".encode())

    def of(self, node: str, since: datetime | None = None) -> list[Change]:
        """The changes of a node, oldest first. Raises BadInput."""
        try:
            lines = self._path(node).read_bytes().split(b"\n")
        except FileNotFoundError:
            return []
        found = [change for line in lines if (change := _parsed(node, line))]
        return [change for change in found if since is None or change.at >= since]

    def _path(self, node: str) -> Path:
        return node_folder(self._folder, node) / "changes.jsonl"


def _line(change: Change) -> str:
    value = {"at": change.at.isoformat(), "old": change.old, "new": change.new, "why": change.why}
    return json.dumps(value, ensure_ascii=False) + "\n"


def _parsed(node: str, line: bytes) -> Change | None:
    """The change in a line; None for what was torn."""
    try:
        value = json.loads(line)
        at, old, new = datetime.fromisoformat(value["at"]), Health(value["old"]), Health(value["new"])
        return Change(node, at, old, new, tuple(value["why"]))
    except (ValueError, KeyError, TypeError):
        return None
