"""events.jsonl and stdout as they are written: event by event, in order, secrets hidden, added up on the way."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from io import FileIO
from pathlib import Path
from typing import Any

from selfservice.runs.events import Results, kept
from selfservice.runs.redaction import Veil, VeiledStream


class EventFile:
    """Appends events, their secrets hidden; what the disk does not take is told, not raised."""

    def __init__(self, path: Path, veil: Veil, on_error: Callable[[OSError], None]) -> None:
        """Open `path` for appending. Raises OSError."""
        self._file = _appended(path)
        self._veil = veil
        self._on_error = on_error
        self.results = Results()

    def add(self, event: dict[str, Any]) -> None:
        """Append one event."""
        slim = kept(self._veil.value(event))
        self.results.feed(slim)
        line = json.dumps(slim, ensure_ascii=False, separators=(",", ":"), default=str) + "\n"
        _write(self._file, line, self._on_error)

    def close(self) -> None:
        """Make what was written durable."""
        _close(self._file)


class OutputFile:
    """Appends what Ansible prints, its secrets hidden; what the disk does not take is told, not raised."""

    def __init__(self, path: Path, veil: Veil, on_error: Callable[[OSError], None]) -> None:
        """Open `path` for appending. Raises OSError."""
        self._file = _appended(path)
        self._stream = VeiledStream(veil, lambda text: _write(self._file, text, on_error))

    def add(self, event: dict[str, Any]) -> None:
        """Append what the event printed; the places that events name are places in this file."""
        text: str = event.get("stdout") or ""
        if text or event.get("event") == "verbose":
            self._stream.add(text + "\n")

    def close(self) -> None:
        """Make what was written durable."""
        self._stream.end()
        _close(self._file)


def _appended(path: Path) -> FileIO:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    return FileIO(descriptor, "ab")


def _write(file: FileIO, text: str, on_error: Callable[[OSError], None]) -> None:
    content = text.encode("utf-8", "replace")
    try:
        while content:
            content = content[file.write(content) :]
    except OSError as error:
        on_error(error)


def _close(file: FileIO) -> None:
    try:
        os.fsync(file.fileno())
    finally:
        file.close()
