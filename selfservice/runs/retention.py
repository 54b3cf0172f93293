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

from selfservice.audit.actions import SYSTEM, Action, Kind
from selfservice.audit.journal import Journal
from selfservice.runs import stored_output
from selfservice.runs.errors import RunNotFound
from selfservice.runs.folder import HIDDEN, RunFolder
from selfservice.settings import Settings
from selfservice.store import files
from selfservice.store.ids import is_id

log = logging.getLogger(__name__)

#: Smaller outputs are not worth compressing.
SMALLEST_COMPRESSED = 64 * 1024
_MEGABYTE = 1024 * 1024
#: A folder that is being removed is called so; never a queued run's hidden name, which others look after.
_REMOVED = f"{HIDDEN}removed-"


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
    compressed: int = 0
    compressed_bytes: int = 0


@dataclass(frozen=True, slots=True)
class _Ended:
    """One run that has ended; small, because there may be very many."""

    artifacts: Path
    run_id: str
    operation: str
    ended_at: datetime
    size: int

    @property
    def folder(self) -> RunFolder:
        return RunFolder(self.artifacts, self.run_id)


class Retention:
    """Sweeps the runs of one node."""

    def __init__(self, settings: Settings, journal: Journal, limits_of: LimitsOf) -> None:
        """Bind folders; `limits_of` knows each operation's limits."""
        self._settings = settings
        self._journal = journal
        self._limits_of = limits_of
        self._stamp = settings.instance / "retention.json"

    def is_due(self, now: datetime | None = None) -> bool:
        """Whether the last sweep was more than a day ago, so that a night was missed."""
        now = now or datetime.now(UTC)
        try:
            last = datetime.fromisoformat(files.read_json(self._stamp)["at"])
        except (FileNotFoundError, ValueError, KeyError):
            return True
        return now - last > timedelta(days=1)

    def sweep(self, now: datetime) -> Swept:
        """Remove and compress what is due at `now`. Raises JournalError; nothing is removed then."""
        self._finish_removals()
        by_operation: dict[str, list[_Ended]] = defaultdict(list)
        for ended in self._ended():
            by_operation[ended.operation].append(ended)
        due = [each for name, runs in by_operation.items() for each in _due(runs, self._limits_of(name), now)]
        swept = Swept()
        if due:
            self._journal.append(_action(due))
        for each in due:
            if self._remove(each.folder):
                swept.removed.append(each.run_id)
                swept.removed_bytes += each.size
        going = {each.run_id for each in due}
        stay = [each for runs in by_operation.values() for each in runs if each.run_id not in going]
        self._compress_old(stay, now, swept)
        log.info(
            "swept: %d runs removed (%d bytes), %d outputs compressed (%d bytes freed)",
            len(swept.removed),
            swept.removed_bytes,
            swept.compressed,
            swept.compressed_bytes,
        )
        files.write_json(self._stamp, {"at": now.isoformat()})
        return swept

    def _finish_removals(self) -> None:
        """Whoever died while removing left the folder under its hidden name."""
        for path in self._settings.artifacts.glob(f"{_REMOVED}*"):
            shutil.rmtree(path, ignore_errors=True)

    def _ended(self) -> Iterator[_Ended]:
        artifacts = self._settings.artifacts
        for name in sorted(path.name for path in artifacts.iterdir()):
            if not is_id(name):
                continue
            folder = RunFolder(artifacts, name)
            try:
                status, run = folder.status(), folder.run()
            except RunNotFound:
                continue
            if status.state.ended:
                ended_at = datetime.fromisoformat(status.ended_at or run.queued_at)
                yield _Ended(artifacts, name, run.request.operation, ended_at, _size(folder.path))

    def _remove(self, folder: RunFolder) -> bool:
        """Remove the folder whole; whether it was nobody else's and not marked at the moment."""
        lock = _lock(folder)
        if lock is None:
            return False
        hidden = self._settings.artifacts / f"{_REMOVED}{folder.id}"
        try:
            folder.path.rename(hidden)
            if (hidden / folder.keep.name).exists():  # marked since we looked; whoever did was told so
                hidden.rename(folder.path)
                return False
            files.sync_folder(self._settings.artifacts)
            shutil.rmtree(hidden, ignore_errors=True)
        finally:
            os.close(lock)
        return True

    def _compress_old(self, runs: list[_Ended], now: datetime, swept: Swept) -> None:
        days = self._settings.compress_after_days
        for each in runs:
            if not days or now - each.ended_at <= timedelta(days=days):
                continue
            lock = _lock(each.folder)
            if lock is None:
                continue
            try:
                self._compress(each.folder, swept)
            finally:
                os.close(lock)

    def _compress(self, folder: RunFolder, swept: Swept) -> None:
        try:
            if folder.stdout.stat().st_size < SMALLEST_COMPRESSED:
                return
            swept.compressed_bytes += stored_output.compress(folder.stdout)
            swept.compressed += 1
        except FileNotFoundError:  # compressed already, or nothing was printed
            return
        except OSError as error:
            log.warning("the output could not be compressed: %s", error, extra={"run_id": folder.id})


def _due(runs: list[_Ended], limits: Limits, now: datetime) -> Iterator[_Ended]:
    """The runs of one operation that its limits remove; marked ones stay and count for nothing."""
    room = limits.megabytes * _MEGABYTE
    for each in sorted(runs, key=lambda ended: ended.ended_at, reverse=True):
        if each.folder.keep.exists():
            continue
        too_old = bool(limits.days) and now - each.ended_at > timedelta(days=limits.days)
        if too_old or (limits.megabytes and each.size > room):
            if _is_free(each.folder):
                yield each
            continue
        room -= each.size


def _is_free(folder: RunFolder) -> bool:
    lock = _lock(folder)
    if lock is None:
        return False
    os.close(lock)
    return True


def _lock(folder: RunFolder) -> int | None:
    try:
        return folder.lock()
    except RunNotFound:
        return None


def _size(path: Path) -> int:
    return sum(each.stat().st_size for each in path.iterdir() if each.is_file())


def _action(due: list[_Ended]) -> Action:
    ids = sorted(each.run_id for each in due)
    detail = {
        "bytes": str(sum(each.size for each in due)),
        "operations": ", ".join(sorted({each.operation or "commands" for each in due})),
        "oldest": ids[0],
        "newest": ids[-1],
    }
    return Action(Kind.RETENTION_SWEEP, SYSTEM, f"{len(ids)} run{'s' if len(ids) != 1 else ''}", detail=detail)
