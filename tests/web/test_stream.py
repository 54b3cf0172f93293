"""One stream a page carries what changes while the page is open."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from selfservice.accounts.people import standing_of
from selfservice.accounts.permissions import Permission
from selfservice.accounts.roles import Author
from selfservice.alerts.alerts import NewAlert
from selfservice.audit.actions import Actor
from selfservice.scope import EVERYTHING, NOTHING, Sight
from selfservice.settings import Settings
from selfservice.web import live
from selfservice.web import stream as stream_module
from selfservice.web.live import Board

TERMINAL = Actor("root", "terminal", "local")
BOBS_PASSWORD = "bob likes long words"


def events(client: FlaskClient) -> Iterator[tuple[str, Any]]:
    """The events of a stream, as a browser takes them in."""
    answer = client.get("/api/v1/stream")
    for chunk in answer.response:
        name, data = chunk.decode().strip().split("\n") if isinstance(chunk, bytes) else chunk.strip().split("\n")
        yield name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


def next_of(stream: Iterator[tuple[str, Any]], kind: str, fits: Callable[[Any], bool] = lambda _: True) -> Any:
    """The next event of that kind that fits."""
    return next(data for name, data in stream if name == kind and fits(data))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.01)


def test_alerts_runs_and_hosts_come_as_they_change(app: APIFlask, signed_in: FlaskClient, settings: Settings) -> None:
    services = app.extensions["selfservice"]
    stream = events(signed_in)
    assert next_of(stream, "alerts", lambda data: True)["open"] == []
    services.alerts.send(NewAlert("Hello"), Actor("x", "token", "local"))
    assert next_of(stream, "alerts", lambda data: data["open"])["open"][0]["message"] == "Hello"
    inventory = settings.inventory / "hosts.yml"
    inventory.write_text(inventory.read_text() + "all2:\n  hosts:\n    web-1: {}\n")
    assert next_of(stream, "nodes", lambda data: len(data["hosts"]) == 2)["hosts"] == ["master", "web-1"]


def test_a_topic_that_fails_spoils_no_other(signed_in: FlaskClient, settings: Settings) -> None:
    (settings.inventory / "hosts.yml").unlink()
    settings.inventory.rmdir()
    assert next_of(events(signed_in), "runs")["counts"]["queued"] == 0


def test_nobody_looks_while_nobody_listens() -> None:
    class Counted:
        looks = 0
        personal = True

        def version(self) -> object:
            self.looks += 1
            return None

        def news(self, person: str, sight: Sight) -> dict[str, Any]:
            return {"person": person}

    topic = Counted()
    board = Board({"topic": topic})
    with board.listening():
        deadline = time.monotonic() + 10
        while topic.looks < 2 and time.monotonic() < deadline:
            time.sleep(0.005)
    assert topic.looks >= 2
    assert list(board.news("alice", EVERYTHING, {}, ["topic"])) == [("topic", {"person": "alice"})]


def test_news_are_worked_out_once_for_all_who_see_the_same() -> None:
    class Shared:
        told = 0
        personal = False

        def version(self) -> object:
            return None

        def news(self, person: str, sight: Sight) -> dict[str, Any]:
            self.told += 1
            return {"number": self.told}

    board = Board({"topic": Shared()})
    with board.listening():
        alice, bob, blind = (list(board.news("", sight, {}, ["topic"])) for sight in (EVERYTHING, EVERYTHING, NOTHING))
    assert (alice, bob, blind) == ([("topic", {"number": 1})], [("topic", {"number": 1})], [("topic", {"number": 2})])


def _as(app: APIFlask, sign_in: Callable[..., FlaskClient], role: str) -> FlaskClient:
    app.extensions["selfservice"].accounts.create_person("bob", BOBS_PASSWORD, TERMINAL, role=role)
    return sign_in(app.test_client(), "bob", BOBS_PASSWORD)


def test_only_what_a_person_may_see_comes(
    app: APIFlask, sign_in: Callable[..., FlaskClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_module, "_SIGN_OF_LIFE_SECONDS", 0)
    bob = _as(app, sign_in, "sales-agent")
    seen = set()
    for name, _ in events(bob):
        seen.add(name)
        if name == "alive":
            break
    assert seen == {"alerts", "nodes", "requests", "alive"}
    assert bob.get("/api/v1/stream?run=20261120T201455-7f3a9c").status_code == 403
    assert bob.get("/api/v1/stream?call=20261120T201455-7f3a9c").status_code == 403


@pytest.mark.parametrize("change", [{"active": False}, {"role": "viewer"}])
def test_a_stream_ends_with_the_rights_it_began_with(
    app: APIFlask,
    sign_in: Callable[..., FlaskClient],
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, Any],
) -> None:
    monkeypatch.setattr(stream_module, "_SIGN_OF_LIFE_SECONDS", 0)
    people = app.extensions["selfservice"].accounts.people
    stream = events(_as(app, sign_in, "technical-agent"))
    next_of(stream, "alive")
    wanted = replace(standing_of(people.get("bob")), **change)
    people.change("bob", wanted, 1, Author(TERMINAL, frozenset(Permission)))
    assert {name for name, _ in stream} <= {"alerts", "runs", "nodes", "alive"}
