"""One stream a page carries what changes while the page is open."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from selfservice.alerts.alerts import NewAlert
from selfservice.audit.actions import Actor
from selfservice.settings import Settings
from selfservice.web import live
from selfservice.web.live import Board


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

        def version(self) -> object:
            self.looks += 1
            return None

        def news(self, person: str) -> dict[str, Any]:
            return {"person": person}

    topic = Counted()
    board = Board({"topic": topic})
    with board.listening():
        deadline = time.monotonic() + 10
        while topic.looks < 2 and time.monotonic() < deadline:
            time.sleep(0.005)
    assert topic.looks >= 2
    assert list(board.news("alice", {})) == [("topic", {"person": "alice"})]
