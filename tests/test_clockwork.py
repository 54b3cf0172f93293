"""What is done every few seconds is done so whatever becomes of the machine's clock."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta, tzinfo

import pytest
from apscheduler.schedulers import base

from selfservice import clockwork
from selfservice.clockwork import Clockwork


@pytest.mark.parametrize("jump", [timedelta(hours=-1), timedelta(hours=1)])
def test_an_interval_goes_on_after_the_clock_was_set(monkeypatch: pytest.MonkeyPatch, jump: timedelta) -> None:
    done, jumped = threading.Semaphore(0), timedelta()
    real_time, real_datetime = time.time, datetime

    class Datetime(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return real_datetime.now(tz) + jumped

    monkeypatch.setattr(base, "datetime", Datetime)
    monkeypatch.setattr(clockwork, "datetime", Datetime)
    monkeypatch.setattr(clockwork.time, "time", lambda: real_time() + jumped.total_seconds())
    clock = Clockwork()
    clock.add_job(done.release, "interval", seconds=0.05, coalesce=True, misfire_grace_time=None)
    clock.start()
    try:
        assert done.acquire(timeout=30)
        jumped = jump
        for _ in range(3):
            assert done.acquire(timeout=30)
        jumped = timedelta()  # and put right again
        for _ in range(3):
            assert done.acquire(timeout=30)
    finally:
        clock.shutdown()
