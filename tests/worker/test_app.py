"""A worker listens to whoever has its token, and to nobody else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from selfservice import create_app
from selfservice.audit.actions import Action, Kind, Outcome
from selfservice.nodes.own_token import own_token
from selfservice.settings import Settings


@pytest.fixture
def worker(settings: Settings) -> Iterator[APIFlask]:
    yield create_app(settings, role="worker")


@pytest.fixture
def caller(worker: APIFlask) -> FlaskClient:
    return worker.test_client()


def _authorization(worker: APIFlask) -> dict[str, str]:
    return {"Authorization": f"Bearer {own_token(worker.extensions['selfservice'].settings)}"}


def test_it_says_ready_without_a_token(caller: FlaskClient) -> None:
    assert caller.get("/healthz").get_json() == {"status": "ready"}


def test_it_tells_who_it_is_to_whoever_has_its_token(worker: APIFlask, caller: FlaskClient) -> None:
    node = caller.get("/api/v1/node", headers=_authorization(worker)).get_json()
    assert (node["name"], node["type"]) == ("master", "MASTER")
    assert node["uptime"] > 0
    assert set(node) == {"name", "type", "version", "uptime", "time"}


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer ", "Bearer wrong", "Basic d3Jvbmc6", "Bearer ä"])
def test_it_refuses_everybody_else(worker: APIFlask, caller: FlaskClient, header: str | None) -> None:
    recorded: list[Action] = []
    worker.extensions["selfservice"].journal.append = recorded.append
    answer = caller.get("/api/v1/node", headers={"Authorization": header} if header else {})
    assert answer.status_code == 401
    assert answer.mimetype == "application/problem+json"
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert [(action.kind, action.outcome) for action in recorded] == [(Kind.API_CALL, Outcome.REFUSED)]


def test_every_address_but_healthz_needs_the_token(worker: APIFlask, caller: FlaskClient) -> None:
    for rule in worker.url_map.iter_rules():
        if rule.rule != "/healthz":
            path = rule.rule.replace("<task_id>", "20261121T000000-abcdef")
            assert caller.get(path).status_code == 401, rule.rule
    assert caller.get("/nothing").status_code == 401


def test_it_starts_no_session(worker: APIFlask, caller: FlaskClient) -> None:
    answer = caller.get("/api/v1/node", headers=_authorization(worker))
    assert "Set-Cookie" not in answer.headers
    assert worker.secret_key is None


def test_whoever_sends_wrong_tokens_all_the_time_has_to_wait(worker: APIFlask, caller: FlaskClient) -> None:
    wrong = [caller.get("/api/v1/node", headers={"Authorization": "Bearer wrong"}).status_code for _ in range(61)]
    assert (set(wrong[:60]), wrong[60]) == ({401}, 429)
    assert caller.get("/api/v1/node", headers=_authorization(worker)).status_code == 200
