"""Which tasks of this node the master does."""

from __future__ import annotations

from pathlib import Path

from selfservice.store.ids import is_id

_KEPT = 1000


class Forwarded:
    """The ids of forwarded tasks, one a line; the oldest are forgotten."""

    def __init__(self, path: Path) -> None:
        """Take over those that were forwarded before."""
        self._path = path
        lines = path.read_text(encoding="ascii").split() if path.exists() else []
        self._ids = dict.fromkeys(lines[-_KEPT:])

    def note(self, task_id: str) -> None:
        """Remember one. Raises OSError."""
        if not is_id(task_id) or task_id in self._ids:
            return
        self._ids[task_id] = None
        if len(self._ids) > _KEPT:
            del self._ids[next(iter(self._ids))]
            self._path.write_text("\n".join(self._ids) + "\n", encoding="ascii")
            return
        with self._path.open("a", encoding="ascii") as file:
            file.write(task_id + "\n")

    def __contains__(self, task_id: object) -> bool:
        """Whether the master does it."""
        return task_id in self._ids
