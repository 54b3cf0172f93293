"""Runs that take longer than usual: noticed while they go on, once each."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

from selfservice.errors import ApplicationError
from selfservice.runs.errors import RunNotFound
from selfservice.runs.folder import RunFolder
from selfservice.runs.index import RunIndex
from selfservice.runs.listing import Usual
from selfservice.runs.run import Run, State
from selfservice.store import files

log = logging.getLogger(__name__)

#: With fewer earlier runs nobody knows what is usual.
FEWEST_EARLIER_RUNS = 5
#: A run of a second may well take two.
_GRACE_SECONDS = 1.0

Tell = Callable[[Run, Usual], None]


def is_slow(seconds: float | None, usual: Usual | None) -> bool:
    """Whether `seconds` are more than 19 of 20 earlier runs took."""
    if seconds is None or usual is None or len(usual.sample) < FEWEST_EARLIER_RUNS:
        return False
    return seconds > usual.p95_seconds + _GRACE_SECONDS


class SlowRuns:
    """Tells of each slow run once, whatever restarts in between."""

    def __init__(self, artifacts: Path, index: RunIndex, tell: Tell) -> None:
        """Tell `tell` of runs in `artifacts`."""
        self._artifacts = artifacts
        self._index = index
        self._tell = tell
        self._done: set[str] = set()

    def look(self, run_ids: Iterable[str]) -> None:
        """Look at these running runs."""
        current = set(run_ids)
        self._done &= current
        for run_id in current - self._done:
            try:
                self._look_at(RunFolder(self._artifacts, run_id))
            except (RunNotFound, OSError) as error:
                log.warning("whether it is slow is not known: %s", error, extra={"run_id": run_id})
            except ApplicationError as error:
                log.warning("nobody could be told that it is slow: %s", error.sentence, extra={"run_id": run_id})

    def _look_at(self, folder: RunFolder) -> None:
        status = folder.status()
        if status.state is not State.RUNNING or status.started_at is None:
            return
        if folder.slow.exists():
            self._done.add(folder.id)
            return
        seconds = (datetime.now(UTC) - datetime.fromisoformat(status.started_at)).total_seconds()
        run = folder.run()
        usual = self._index.usual(run.request)
        if usual is None or not is_slow(seconds, usual):
            return
        self._tell(run, usual)
        files.write_json(folder.slow, {"at": datetime.now(UTC).isoformat(), "usual_seconds": usual.median_seconds})
        self._done.add(folder.id)
