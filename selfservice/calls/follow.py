"""Following a call on a page: when to fetch its answers anew."""

from __future__ import annotations

from typing import Any

from selfservice.calls.calls import Calls


class CallFollower:
    """Says when an answer of one call has changed."""

    def __init__(self, calls: Calls, call_id: str) -> None:
        """Follow a call. Raises CallNotFound."""
        calls.files.get(call_id)
        self._calls = calls
        self._id = call_id
        self._version: int | None = None

    def look(self) -> list[tuple[str, dict[str, Any]]]:
        """A message `call` where anything is new since the last look."""
        version = self._calls.files.version(self._id)
        if version == self._version:
            return []
        self._version = version
        return [("call", {"version": str(version)})]
