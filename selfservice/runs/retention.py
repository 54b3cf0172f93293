"""How long runs are kept: removed by age and size, never those that are marked; older output compressed."""

from __future__ import annotations

import logging
import os
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from selfservice.audit.actions import Action, Actor, Kind
from selfservice.audit.journal import Journal
from selfservice.runs import stored_output
from selfservice.runs.errors import RunNotFound
from selfservice.runs.folder import HIDDEN, RunFolder
from selfservice.runs.run import is_run_id
from selfservice.settings import Settings
from selfservice.store import files

log = logging.getLogger(__name__)

#: Smaller outputs are not worth compressing.
SMALLEST_COMPRESSED = 64 * 1024
_MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """How long the runs of one operation are kept, and how much room they take; 0 for no limit."""

    days: int
    megabytes: int


#: The limits of the operation of that name; of ad-hoc commands for "".
LimitsOf = Callable[[str], Limits]


@dataclass
class Swept:
    """What one sweep did."""

    removed: list[str] = field(default_factory=list)
    removed_bytes: int = 0
    operations: set[str] = field(default_factory=set)
    compressed: int = 0
    compressed_bytes: int = 0


@dataclass(frozen=True)
class _Ended:
    folder: RunFolder
    operation: str
    ended_at: datetime
    size: int


class Retention:
    """Sweeps the runs of one node."""

    def __init__(self, settings: Settings, journal: Journal, limits_of: LimitsOf) -> None:
        """Bind folders; `limits_of` knows each operation's limits."""
        self._settings = settings
        self._journal = journal
        self._limits_of = limits_of
        self._stamp = settings.instance / "retention.json"

    def sweep_if_due(self, now: datetime | None = None) -> Swept | None:
        """Sweep where the last time was a day ago or more."""
        now = now or datetime.now(UTC)
        try:
            last = datetime.fromisoformat(files.read_json(self._stamp)["at"])
        except (FileNotFoundError, ValueError, KeyError):
            last = None
        if last is not None and now - last < timedelta(hours=23):
            return None
        return self.sweep(now)

    def sweep(self, now: datetime) -> Swept:
        """Remove and compress what is due at `now`, and record it."""
        swept = Swept()
        by_operation: dict[str, list[_Ended]] = defaultdict(list)
        for ended in self._ended():
            by_operation[ended.operation].append(ended)
        for operation, runs in by_operation.items():
            kept = self._remove_old(operation, runs, now, swept)
            self._compress_old(kept, now, swept)
        if swept.removed or swept.compressed:
            self._journal.append(_action(swept))
        files.write_json(self._stamp, {"at": now.isoformat()})
        return swept

    def _ended(self) -> Iterator[_Ended]:
        for path in sorted(self._settings.artifacts.iterdir()):
            if not is_run_id(path.name):
                continue
            folder = RunFolder(self._settings.artifacts, path.name)
            try:
                status, run = folder.status(), folder.run()
            except RunNotFound:
                continue
            if status.state.ended:
                ended_at = datetime.fromisoformat(status.ended_at or run.queued_at)
                yield _Ended(folder, run.request.operation, ended_at, _size(path))

    def _remove_old(self, operation: str, runs: list[_Ended], now: datetime, swept: Swept) -> list[_Ended]:
        limits = self._limits_of(operation)
        kept: list[_Ended] = []
        room = limits.megabytes * _MEGABYTE
        taken = 0
        for each in sorted(runs, key=lambda ended: ended.ended_at, reverse=True):
            taken += each.size
            too_old = bool(limits.days) and now - each.ended_at > timedelta(days=limits.days)
            too_much = bool(room) and taken > room
            if each.folder.keep.exists() or not (too_old or too_much) or not self._remove(each):
                kept.append(each)
                continue
            taken -= each.size
            swept.removed.append(each.folder.id)
            swept.removed_bytes += each.size
            swept.operations.add(operation or "commands")
        return kept

    def _remove(self, ended: _Ended) -> bool:
        """Remove the folder whole; whether it was nobody else's at the moment."""
        try:
            lock = ended.folder.lock()
        except RunNotFound:
            return False
        if lock is None:
            return False
        try:
            hidden = self._settings.artifacts / f"{HIDDEN}{ended.folder.id}"
            ended.folder.path.rename(hidden)
            files.sync_folder(self._settings.artifacts)
            shutil.rmtree(hidden, ignore_errors=True)
        finally:
            os.close(lock)
        return True

    def _compress_old(self, runs: list[_Ended], now: datetime, swept: Swept) -> None:
        days = self._settings.compress_after_days
        for each in runs:
            output = each.folder.stdout
            if not days or now - each.ended_at <= timedelta(days=days):
                continue
            try:
                if output.stat().st_size < SMALLEST_COMPRESSED:
                    continue
                swept.compressed_bytes += stored_output.compress(output)
                swept.compressed += 1
            except FileNotFoundError:  # compressed already, or nothing was printed
                continue
            except OSError as error:
                log.warning("the output could not be compressed: %s", error, extra={"run_id": each.folder.id})


def _size(path: Path) -> int:
    return sum(each.stat().st_size for each in path.iterdir() if each.is_file())


def _action(swept: Swept) -> Action:
    removed = sorted(swept.removed)
    detail = {
        "removed": str(len(removed)),
        "removed_bytes": str(swept.removed_bytes),
        "compressed": str(swept.compressed),
        "compressed_bytes": str(swept.compressed_bytes),
    }
    if removed:
        detail |= {"oldest": removed[0], "newest": removed[-1], "operations": ", ".join(sorted(swept.operations))}
    return Action(Kind.RETENTION_SWEEP, Actor("selfservice", "system", "local"), f"{len(removed)} runs", detail=detail)
