"""A flood of bad tokens does not flood the audit."""

from __future__ import annotations

from apiflask import APIFlask
from flask.testing import FlaskClient

from selfservice.audit.actions import Action, Kind
from selfservice.web.bearer import Seldom


def test_bad_tokens_are_recorded_once_a_minute_for_each_address(app: APIFlask, client: FlaskClient) -> None:
    recorded: list[Action] = []
    app.extensions["selfservice"].journal.append = recorded.append
    for number in range(50):
        headers = {"Authorization": f"Bearer ss_{number}"}
        assert client.get("/api/v1/openapi.json", headers=headers).status_code == 401
    assert [action.kind for action in recorded] == [Kind.TOKEN_USE]
    assert "ss_" not in str(recorded)


def test_what_was_held_back_is_counted() -> None:
    now = 0.0
    seldom = Seldom(seconds=60, at_most=2, clock=lambda: now)
    assert [seldom.allows("a"), seldom.allows("a"), seldom.allows("a")] == [0, None, None]
    assert seldom.allows("b") == 2
    assert seldom.allows("c") is None
    now = 60.0
    assert seldom.allows("a") == 1
