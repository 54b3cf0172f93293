"""What goes by the clock, and goes on where the clock of the machine is set back."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

#: What time servers correct step by step is no jump.
_JUMP_SECONDS = 1.0


class Clockwork(BackgroundScheduler):  # type: ignore[misc]
    """APScheduler, whose next time of an interval is a moment of the wall clock.

    After a step back of an hour, that would be an hour away; here it is now.
    """

    def __init__(self, **named: Any) -> None:
        """As APScheduler's, in UTC."""
        super().__init__(timezone="UTC", **named)
        self._ahead = _ahead()

    def _process_jobs(self) -> Any:
        """Called by APScheduler whenever the shortest interval has passed, by a clock that nobody sets."""
        before, self._ahead = self._ahead, _ahead()
        if self._ahead < before - _JUMP_SECONDS:
            for job in self.get_jobs():
                if isinstance(job.trigger, IntervalTrigger):
                    job.modify(next_run_time=datetime.now(self.timezone))
        return super()._process_jobs()


def _ahead() -> float:
    """How far the wall clock is ahead of the one that only goes on."""
    return time.time() - time.monotonic()
