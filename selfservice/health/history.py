"""How a node was: rows of figures in files, every ten seconds for a day, every five minutes for a month.

A file holds the lines of one hour or one day and is named after it; old files are removed when a new one begins, and
lines come no closer than their resolution, so nothing grows beyond a bound. A row of five minutes is made from the
rows of ten seconds once the first heartbeat after them has come, so a process that dies loses nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from selfservice.errors import BadInput
from selfservice.health.folder import node_folder
from selfservice.health.heartbeat import Heartbeat

MOST_POINTS = 2000
_TAIL_BYTES = 512
_FIGURES = ("cpu", "mem", "disk", "load")


class Row(NamedTuple):
    """The figures of one moment or of the time that begins with it; all None where nothing was heard."""

    #: Seconds since 1970.
    at: int
    cpu: float | None = None
    mem: float | None = None
    #: The fullest disk, in per cent.
    disk: float | None = None
    load: float | None = None


@dataclass(frozen=True)
class _Resolution:
    folder: str
    seconds: int
    #: How the file of a moment is named.
    name: str
    kept: timedelta


_FINE = _Resolution("10s", 10, "%Y-%m-%dT%H", timedelta(hours=25))
_COARSE = _Resolution("5min", 300, "%Y-%m-%d", timedelta(days=31))
#: Heartbeats may come a little early, as their time is jittered.
_LEAST_SECONDS = 7
_DAY = 86400


class History:
    """The history of every node, in files of one folder."""

    def __init__(self, folder: Path) -> None:
        """Keep it in `<folder>/<node>/10s/` and `<folder>/<node>/5min/`."""
        self._folder = folder

    def append(self, node: str, heartbeat: Heartbeat, received_at: datetime) -> None:
        """Add the figures of a heartbeat, unless the one before is too close. Raises BadInput, OSError."""
        root = node_folder(self._folder, node)
        row = _row(heartbeat, int(received_at.timestamp()))
        path = _path(root, _FINE, row.at)
        last = _last(path)
        if last and row.at - last.at < _LEAST_SECONDS:
            return
        last = last or _last(_newest(root, _FINE))
        if last and last.at // _COARSE.seconds != row.at // _COARSE.seconds:
            _sum_up(root, last.at)
        _append(root, _FINE, row)

    def series(self, node: str, since: datetime, until: datetime, points: int) -> list[Row]:
        """At most `points` rows, oldest first; where nothing was heard for a while stands a row of None.

        Raises BadInput.
        """
        root = node_folder(self._folder, node)
        start, end = int(since.timestamp()), int(until.timestamp())
        if not start < end or not 0 < points <= MOST_POINTS:
            raise BadInput(f"Ask for 1 to {MOST_POINTS} points between a moment and a later one.", "points")
        newest = _last(_newest(root, _FINE))
        resolution = _FINE if start >= (newest.at if newest else end) - _DAY else _COARSE
        rows = list(_rows(root, resolution, start, end))
        if resolution is _COARSE:
            # What is not summed up yet.
            summed_up = rows[-1].at + _COARSE.seconds if rows else max(start, end - _DAY)
            rows += _rows(root, _FINE, summed_up, end)
        return _thinned(rows, start, end, points, resolution.seconds)


def _row(heartbeat: Heartbeat, at: int) -> Row:
    disk = heartbeat.fullest_disk
    return Row(
        at,
        round(heartbeat.cpu_percent, 1),
        round(heartbeat.memory.percent, 1),
        round(disk.percent, 1) if disk else None,
        round(heartbeat.load[0], 2),
    )


def _thinned(rows: Sequence[Row], start: int, end: int, points: int, resolution: int) -> list[Row]:
    """One row for each of at most `points` equal lengths of time, and one for each gap between them."""
    width = max(resolution, -(-(end - start) // points))
    parts: dict[int, list[Row]] = {}
    for row in rows:
        parts.setdefault((row.at - start) // width, []).append(row)
    # Jitter leaves a narrow part empty now and then: that is no gap yet.
    silent = 2 if width >= 3 * resolution else 3
    found: list[Row] = []
    before: int | None = None
    for number in sorted(parts):
        if before is not None and number - before >= silent:
            found.append(Row(start + (before + 1) * width))
        found.append(_mean(parts[number], start + number * width))
        before = number
    return found


def _mean(rows: Sequence[Row], at: int) -> Row:
    if len(rows) == 1:
        return rows[0]._replace(at=at)
    return Row(
        at,
        _of([row.cpu for row in rows], 1),
        _of([row.mem for row in rows], 1),
        max((row.disk for row in rows if row.disk is not None), default=None),
        _of([row.load for row in rows], 2),
    )


def _of(values: Sequence[float | None], digits: int) -> float | None:
    known = [value for value in values if value is not None]
    return round(sum(known) / len(known), digits) if known else None


def _sum_up(root: Path, at: int) -> None:
    """Make the row of the five minutes that hold the moment `at`, unless it is there."""
    start = at - at % _COARSE.seconds
    last = _last(_path(root, _COARSE, start))
    if last and last.at >= start:
        return
    if rows := list(_rows(root, _FINE, start, start + _COARSE.seconds)):
        _append(root, _COARSE, _mean(rows, start))


def _path(root: Path, resolution: _Resolution, at: int) -> Path:
    return root / resolution.folder / (datetime.fromtimestamp(at, UTC).strftime(resolution.name) + ".jsonl")


def _newest(root: Path, resolution: _Resolution) -> Path | None:
    return max((root / resolution.folder).glob("*.jsonl"), default=None)


def _append(root: Path, resolution: _Resolution, row: Row) -> None:
    path = _path(root, resolution, row.at)
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _remove_old(root, resolution, row.at)
    figures = {name: value for name in _FIGURES if (value := getattr(row, name)) is not None}
    line = json.dumps({"t": row.at, **figures}, separators=(",", ":")).encode() + b"\n"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "r+b", buffering=0) as file:
        if file.seek(0, os.SEEK_END) and os.pread(descriptor, 1, file.tell() - 1) != b"\n":
            line = b"\n" + line  # what was torn ends here
        file.write(line)


def _remove_old(root: Path, resolution: _Resolution, now: int) -> None:
    """Remove the files that are too old, and those that a wrong clock has put into the future."""
    oldest = _path(root, resolution, now - int(resolution.kept.total_seconds())).name
    newest = _path(root, resolution, now).name
    for path in (root / resolution.folder).glob("*.jsonl"):
        if not oldest <= path.name <= newest:
            path.unlink(missing_ok=True)


def _last(path: Path | None) -> Row | None:
    """The last whole row of a file."""
    if path is None:
        return None
    try:
        with path.open("rb", buffering=0) as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
            lines = file.read().split(b"\n")
    except FileNotFoundError:
        return None
    return next((row for line in reversed(lines[:-1]) if (row := _parsed(line))), None)


def _rows(root: Path, resolution: _Resolution, start: int, end: int) -> Iterator[Row]:
    """The whole rows from `start` up to before `end`."""
    first, last = _path(root, resolution, start).name, _path(root, resolution, end).name
    for path in sorted((root / resolution.folder).glob("*.jsonl")):
        if not first <= path.name <= last:
            continue
        try:
            lines = path.read_bytes().split(b"\n")[:-1]
        except FileNotFoundError:  # removed since, as too old
            continue
        yield from (row for row in _all_parsed(lines) if start <= row.at < end)


def _all_parsed(lines: Sequence[bytes]) -> list[Row]:
    """The rows of whole lines; at once where none is torn, as that is many times quicker."""
    try:
        return [_made(value) for value in json.loads(b"[%s]" % b",".join(lines))]
    except (ValueError, KeyError, TypeError, AttributeError):
        return [row for line in lines if (row := _parsed(line))]


def _parsed(line: bytes) -> Row | None:
    """The row of a line; None for what was torn."""
    try:
        return _made(json.loads(line))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _made(value: dict[str, Any]) -> Row:
    get = value.get
    return Row(int(value["t"]), get("cpu"), get("mem"), get("disk"), get("load"))
