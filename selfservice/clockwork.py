"""What goes by the clock, and goes on where the clock of the machine is set back."""

from __future__ import annotations

import time
from collections.abc import Callable
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

    def every(self, seconds: int, work: Callable[[], object], jitter: int | None = None) -> None:
        """Do `work` each so many seconds: never twice at once, and what is late is done once, however late."""
        self.add_job(
            work, "interval", seconds=seconds, jitter=jitter, max_instances=1, coalesce=True, misfire_grace_time=None
        )

    def _process_jobs(self) -> Any:
        """Called by APScheduler whenever the shortest interval has passed, by a clock that nobody sets."""
        self._go_on_after_a_step_back()
        wait_seconds = super()._process_jobs()
        # It asked the clock anew for each job, and for how long to wait.
        return 0 if self._go_on_after_a_step_back() else wait_seconds

    def _go_on_after_a_step_back(self) -> bool:
        """Whether the clock was set back since it was last asked; what goes by intervals is due then."""
        before, self._ahead = self._ahead, _ahead()
        was_set_back = self._ahead < before - _JUMP_SECONDS
        if was_set_back:
            for job in self.get_jobs():
                if isinstance(job.trigger, IntervalTrigger):
                    job.modify(next_run_time=datetime.now(self.timezone))
        return was_set_back


def _ahead() -> float:
    """How far the wall clock is ahead of the one that only goes on."""
    return time.time() - time.monotonic()
