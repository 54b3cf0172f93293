"""The page and the API of one's own targets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from selfservice.notifications.postbox import Answer, Postbox
from selfservice.notifications.targets import Owner
from tests.operations.conftest import sign_in_as, signed_in_api  # noqa: F401  # the same ways in

Call = Callable[..., TestResponse]
TARGET = {"title": "On <call>", "url": "jsons://bob:canary-7261@example.org/hook", "events": ["run:failed"]}


@pytest.fixture(autouse=True)
def _look_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an address is takes a second to find out; test_guard.py does."""
    monkeypatch.setattr(Postbox, "look", lambda *_: Answer("JSON", "example.org"))


@pytest.fixture
def number(signed_in_api: Call) -> int:  # noqa: F811
    answer = signed_in_api("POST", "/api/v1/notifications/targets", json=TARGET)
    assert answer.status_code == 201, answer.get_data(as_text=True)
    return int(answer.get_json()["id"])


def test_the_address_is_never_shown_again(signed_in: FlaskClient, number: int) -> None:
    for path in ("/account/notifications", f"/account/notifications/{number}", "/api/v1/notifications/targets"):
        page = signed_in.get(path).get_data(as_text=True)
        assert "example.org" in page
        assert "canary-7261" not in page
    assert "On &lt;call&gt;" in signed_in.get("/account/notifications").get_data(as_text=True)


def test_nobody_else_sees_changes_or_tests_it(number: int, sign_in_as: Any, csrf_of: Any) -> None:  # noqa: F811
    bob = sign_in_as("bob")
    headers = {"X-CSRFToken": csrf_of(bob)}
    path = f"/api/v1/notifications/targets/{number}"
    rules = {"title": "Mine", "events": []}
    assert bob.get(f"/account/notifications/{number}").status_code == 404
    assert bob.put(path, json=rules, headers=headers).status_code == 404
    assert bob.delete(path, headers=headers).status_code == 404
    assert bob.post(f"{path}/test", headers=headers).status_code == 404
    assert bob.get("/api/v1/notifications/targets").get_json() == {"targets": []}


def test_a_test_is_asked_for_once_at_a_time_and_listed(signed_in_api: Call, number: int) -> None:  # noqa: F811
    path = f"/api/v1/notifications/targets/{number}/test"
    assert signed_in_api("POST", path).status_code == 202
    assert signed_in_api("POST", path).status_code == 422
    [delivery] = signed_in_api("GET", "/api/v1/notifications/deliveries").get_json()["deliveries"]
    assert (delivery["state"], delivery["target"]) == ("due", number)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"title": " "}, "title"), ({"quiet_from": "25:00", "quiet_until": "06:00"}, "quiet_from"),
     ({"quiet_from": "22:00"}, "quiet_until"), ({"zone": "Mars/Olympus"}, "zone"), ({"url": "nonsense"}, "url")],
)  # fmt: skip
def test_bad_values_are_told_beside_their_field(
    signed_in: FlaskClient, csrf_of: Any, wrong: dict[str, str], field: str
) -> None:
    form = {"csrf_token": csrf_of(signed_in), **TARGET, **wrong}
    answer = signed_in.post("/account/notifications", data=form)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert f'id="{field}-error"' in page
    assert "canary-7261" not in page


def test_removed_it_is_gone_with_what_was_due(app: APIFlask, signed_in_api: Call, number: int) -> None:  # noqa: F811
    signed_in_api("POST", f"/api/v1/notifications/targets/{number}/test")
    assert signed_in_api("DELETE", f"/api/v1/notifications/targets/{number}").status_code == 204
    assert app.extensions["selfservice"].targets.deliveries(Owner("admin")) == []
