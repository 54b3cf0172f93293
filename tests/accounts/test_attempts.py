"""What is counted against guessing and floods lasts over a restart, and does not grow for ever."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from apiflask import APIFlask
from limits import parse
from limits.strategies import MovingWindowRateLimiter
from sqlalchemy import func, select

from selfservice import create_app
from selfservice.accounts import attempts
from selfservice.accounts.attempts import Attempts
from selfservice.accounts.sign_in_models import AttemptRecord
from selfservice.settings import Settings
from selfservice.store.database import Database
from tests.accounts.test_accounts import time_machine
from tests.conftest import ADMIN_PASSWORD
from tests.records import database_url  # noqa: F401

LIMIT = parse("2 per minute")


@pytest.fixture
def limiter(database: Database) -> MovingWindowRateLimiter:
    return MovingWindowRateLimiter(Attempts(database))


def _kept(database: Database) -> int:
    with database.session() as session:
        return session.scalar(select(func.count()).select_from(AttemptRecord)) or 0


def test_a_restart_forgets_no_wrong_password(
    app: APIFlask, settings: Settings, csrf_of: Callable[..., str], request: pytest.FixtureRequest
) -> None:
    before = app.test_client()
    form = {"csrf_token": csrf_of(before, "/sign-in"), "name": "admin", "password": "wrong"}
    assert [before.post("/sign-in", data=form).status_code for _ in range(5)] == [401] * 5
    restarted = create_app(settings, role="web")
    request.addfinalizer(restarted.extensions["selfservice"].database.close)
    after = restarted.test_client()
    form = {"csrf_token": csrf_of(after, "/sign-in"), "name": "admin", "password": ADMIN_PASSWORD}
    answer = after.post("/sign-in", data=form)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 60


def test_a_restart_forgets_no_mail(
    app: APIFlask, settings: Settings, csrf_of: Callable[..., str], request: pytest.FixtureRequest
) -> None:
    statuses = []
    for _ in range(2):
        with_mail = replace(settings, smtp_host="127.0.0.1", smtp_port=1, public_url="https://dashboard.example.org")
        started = create_app(with_mail, role="web")
        request.addfinalizer(started.extensions["selfservice"].database.close)
        client = started.test_client()
        form = {"csrf_token": csrf_of(client, "/forgotten-password"), "name": "admin"}
        statuses.append(client.post("/forgotten-password", data=form).status_code)
    assert statuses == [200, 429]


def test_a_window_moves_on(limiter: MovingWindowRateLimiter, database: Database) -> None:
    assert [limiter.hit(LIMIT, "alice") for _ in range(3)] == [True, True, False]
    assert not limiter.test(LIMIT, "alice")
    assert limiter.test(LIMIT, "bob")
    with time_machine(61):
        assert limiter.test(LIMIT, "alice")
        assert limiter.get_window_stats(LIMIT, "alice").remaining == 2


def test_what_counts_no_longer_is_forgotten(limiter: MovingWindowRateLimiter, database: Database) -> None:
    limiter.hit(LIMIT, "alice")
    limiter.hit(LIMIT, "bob")
    with time_machine(61):
        limiter.hit(LIMIT, "carol")
    assert _kept(database) == 1
    limiter.clear(LIMIT, "carol")
    assert _kept(database) == 0


def test_a_flood_fills_no_disk(
    limiter: MovingWindowRateLimiter, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "MOST", 10)
    for number in range(25):
        limiter.hit(LIMIT, f"name {number}")
    assert _kept(database) == 10
    assert limiter.get_window_stats(LIMIT, "name 24").remaining == 1


def test_no_name_that_was_typed_is_kept(app: APIFlask, csrf_of: Callable[..., str]) -> None:
    client = app.test_client()
    form = {"csrf_token": csrf_of(client, "/sign-in"), "name": "my secret word", "password": "x"}
    client.post("/sign-in", data=form)
    database = app.extensions["selfservice"].database
    with database.session() as session:
        keys = list(session.scalars(select(AttemptRecord.key)))
    assert len(keys) == 5
    assert not any("secret" in key for key in keys)
