"""The journal: append-only JSON lines, each chained to the one before it by its hash."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from selfservice.audit.actions import SYSTEM, Action, Actor, Kind
from selfservice.errors import Unavailable
from selfservice.store import files

SCHEMA = 1
#: What the very first line is chained to.
FIRST_PREVIOUS = "0" * 64
_DAY_FILE = "[0-9]" * 4 + "-" + "[0-9]" * 2 + "-" + "[0-9]" * 2 + ".jsonl"
_TAIL_BYTES = 64 * 1024


class JournalError(Unavailable):
    """An action cannot be recorded, and so must not happen."""

    problem_type = "audit-unwritable"
    title = "The audit cannot be written"


@dataclass(frozen=True)
class Entry:
    """One line of the journal."""

    time: str
    node: str
    kind: str
    actor: Actor
    target: str
    outcome: str
    hosts: tuple[str, ...]
    run_id: str | None
    detail: dict[str, str]
    prev: str
    hash: str
    project: str = ""

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Entry:
        """The entry that a line holds. Raises KeyError or TypeError for anything else."""
        return cls(
            time=value["time"],
            node=value["node"],
            kind=value["kind"],
            actor=Actor(**value["actor"]),
            target=value["target"],
            outcome=value["outcome"],
            hosts=tuple(value["hosts"]),
            run_id=value["run_id"],
            detail=dict(value["detail"]),
            prev=value["prev"],
            hash=value["hash"],
            project=value.get("project", ""),
        )


class Journal:
    """The journal of one node, in one folder; any number of processes may append."""

    def __init__(self, folder: Path, node: str) -> None:
        """Write to `folder` in the name of `node`."""
        self._folder = folder
        self._node = node

    def append(self, action: Action) -> Entry:
        """Record an action; durable when this returns. Raises JournalError."""
        try:
            with files.locked(self._folder / ".lock"):
                self._set_torn_line_aside()
                return self._append(action)
        except OSError as error:
            raise JournalError(_sentence(self._folder, error)) from error

    def _append(self, action: Action) -> Entry:
        moment = datetime.now(UTC)
        newest = newest_file(self._folder)
        # Where the clock was set back, go on in the newest file: the chain follows the files' order.
        path = max(newest or self._folder, self._folder / f"{moment:%Y-%m-%d}.jsonl")
        value = chained(action, moment, self._node, _last_hash(newest))
        _append_whole(path, encoded(value))
        if path != newest:
            files.sync_folder(self._folder)
        return Entry.from_json(value)

    def _set_torn_line_aside(self) -> None:
        """Move what a crash left of a line out of the chain, and say so in the chain."""
        newest = newest_file(self._folder)
        if newest is None:
            return
        whole = _whole_size(newest)
        size = newest.stat().st_size
        if whole == size:
            return
        with newest.open("r+b") as file:
            file.seek(whole)
            aside = _free_name(newest)
            files.write_bytes(aside, file.read())
            file.truncate(whole)
            os.fsync(file.fileno())
        self._append(Action(Kind.AUDIT_TORN, SYSTEM, newest.name, detail={"set_aside": aside.name}))


def day_files(folder: Path) -> list[Path]:
    """The files of the journal, oldest first."""
    return sorted(folder.glob(_DAY_FILE))


def newest_file(folder: Path) -> Path | None:
    """The file that is written to, or None where nothing was recorded yet."""
    return max(folder.glob(_DAY_FILE), default=None)


def chained(action: Action, moment: datetime, node: str, previous: str) -> dict[str, Any]:
    """The line for an action, chained to the line whose hash is `previous`."""
    time = moment.isoformat(timespec="microseconds")
    value = {"schema": SCHEMA, "time": time, "node": node, **asdict(action), "prev": previous}
    value["hash"] = line_hash(value)
    return value


def encoded(value: dict[str, Any]) -> bytes:
    """A line as it stands in the file."""
    return (json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n").encode("utf-8", "backslashreplace")


def line_hash(value: dict[str, Any]) -> str:
    """SHA-256 over the line without its own hash, in one canonical form."""
    content = {key: each for key, each in value.items() if key != "hash"}
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()


def _append_whole(path: Path, line: bytes) -> None:
    """Append the line wholly or not at all."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        try:
            if os.write(descriptor, line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, size)
            raise
    finally:
        os.close(descriptor)


def _last_hash(path: Path | None) -> str:
    if path is None:
        return FIRST_PREVIOUS
    line = _last_line(path)
    if not line:  # an empty file: a crash came between its making and its first line
        older = [each for each in day_files(path.parent) if each < path]
        return _last_hash(older[-1] if older else None)
    try:
        return str(json.loads(line)["hash"])
    except (ValueError, KeyError, TypeError):
        return hashlib.sha256(line).hexdigest()  # a damaged line: verification names it, recording goes on


def _last_line(path: Path) -> bytes:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        reach = _TAIL_BYTES
        while True:
            file.seek(max(0, size - reach))
            lines = file.read().splitlines()
            if len(lines) > 1 or reach >= size:
                return lines[-1] if lines else b""
            reach *= 2


def _whole_size(path: Path) -> int:
    """Bytes up to the last line end."""
    with path.open("rb") as file:
        position = file.seek(0, os.SEEK_END)
        while position > 0:
            start = max(0, position - _TAIL_BYTES)
            file.seek(start)
            found = file.read(position - start).rfind(b"\n")
            if found >= 0:
                return start + found + 1
            position = start
    return 0


def _free_name(path: Path) -> Path:
    number = 1
    while (aside := path.with_suffix(f".torn-{number}")).exists():
        number += 1
    return aside


def _sentence(folder: Path, error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return f"The disk that holds {folder} is full, so nothing can be recorded and nothing was done. Free some."
    return f"{folder} cannot be written ({error.strerror}), so nothing can be recorded and nothing was done."
