"""Somebody is there for five minutes after they asked for something, whichever process they asked."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from selfservice.runs.presence import Presence
from selfservice.settings import Settings


@pytest.fixture
def last_used(settings: Settings) -> Path:
    (settings.instance / "cache").mkdir(parents=True, exist_ok=True)
    return settings.instance / "cache" / "last_used"


def test_nobody_is_there_before_the_first_has_come(settings: Settings, last_used: Path) -> None:
    assert not Presence(settings).is_somebody_there()


@pytest.mark.parametrize(("seconds", "there"), [(0, True), (290, True), (310, False)])
def test_they_are_there_for_five_minutes(settings: Settings, last_used: Path, seconds: int, there: bool) -> None:
    Presence(settings).note()
    moment = time.time() - seconds
    os.utime(last_used, (moment, moment))
    assert Presence(settings).is_somebody_there() is there


def test_the_disk_is_not_touched_at_each_request(settings: Settings, last_used: Path) -> None:
    presence = Presence(settings)
    presence.note()
    last_used.unlink()
    presence.note()
    assert not last_used.exists()


def test_who_opens_a_page_is_there_and_who_is_not_signed_in_is_nobody(
    app: Flask, sign_in: Callable[..., FlaskClient], last_used: Path
) -> None:
    client = app.test_client()
    assert [client.get(path).status_code for path in ("/sign-in", "/runs")] == [200, 302]
    assert not last_used.exists()
    sign_in(client).get("/runs")
    assert last_used.exists()
