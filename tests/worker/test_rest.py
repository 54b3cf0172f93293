"""The worker API of a master ends only where nobody needs it."""

from __future__ import annotations

import os
import signal
from types import SimpleNamespace
from typing import Any, cast

import pytest

from selfservice import create_app
from selfservice.clockwork import Clockwork
from selfservice.settings import Settings
from selfservice.worker.rest import Rest
from selfservice.worker.services import WorkerServices


class Clock:
    """Seconds that pass when the test says so."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def services(running: int = 0, waiting: int = 0) -> WorkerServices:
    counts = {"tasks": SimpleNamespace(running=lambda: running), "outbox": SimpleNamespace(waiting=lambda: waiting)}
    return cast(WorkerServices, SimpleNamespace(**counts))


def test_it_rests_after_a_minute_in_which_nobody_called() -> None:
    clock = Clock()
    rest = Rest(services(), clock)
    clock.now += 59
    assert not rest.is_due()
    clock.now += 1
    assert rest.is_due()


def test_every_call_puts_it_off(settings: Settings) -> None:
    clock = Clock()
    rest = Rest(services(), clock)
    app = create_app(settings, role="worker")
    rest.go_by(app, Clockwork())
    clock.now += 60
    assert app.test_client().get("/healthz").status_code == 200
    assert not rest.is_due()


@pytest.mark.parametrize("busy", [{"running": 1}, {"waiting": 1}])
def test_it_does_not_rest_while_it_is_owed_something(busy: dict[str, int]) -> None:
    clock = Clock()
    rest = Rest(services(**busy), clock)
    clock.now += 3600
    assert not rest.is_due()


def test_it_tells_its_own_process_to_end_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    monkeypatch.setattr(os, "kill", lambda *words: told.append(words))
    clock = Clock()
    rest = Rest(services(), clock)
    rest.look()
    assert (rest.taken, told) == (False, [])
    clock.now += 60
    rest.look()
    assert (rest.taken, told) == (True, [(os.getpid(), signal.SIGTERM)])
