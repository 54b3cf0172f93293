"""events.jsonl as it is written: one event a line, in order, added up on the way."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from selfservice.runs.events import Results, kept


class EventFile:
    """Appends events; what the disk does not take is told, not raised."""

    def __init__(self, path: Path, on_error: Callable[[OSError], None]) -> None:
        """Open `path` for appending. Raises OSError."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._file = open(descriptor, "ab", buffering=0)  # noqa: PTH123, SIM115 - closed by close()
        self._on_error = on_error
        self.results = Results()

    def add(self, event: dict[str, Any]) -> None:
        """Append one event."""
        slim = kept(event)
        self.results.feed(slim)
        line = json.dumps(slim, ensure_ascii=False, separators=(",", ":"), default=str) + "\n"
        try:
            self._write(line.encode("utf-8", "replace"))
        except OSError as error:
            self._on_error(error)

    def _write(self, content: bytes) -> None:
        while content:
            content = content[self._file.write(content) :]

    def close(self) -> None:
        """Make what was written durable."""
        try:
            os.fsync(self._file.fileno())
        finally:
            self._file.close()
