"""Monitoring learns whether runs would be executed."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from selfservice.web import health


def test_it_is_ready_while_the_executor_is_alive(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "executor_alive", lambda settings: True)
    answer = client.get("/healthz")
    assert (answer.status_code, answer.get_json()) == (200, {"status": "ready"})


def test_it_says_in_a_sentence_that_the_executor_is_gone(client: FlaskClient) -> None:
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert "executor" in answer.get_json(force=True)["detail"]
