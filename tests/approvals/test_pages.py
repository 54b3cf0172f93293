"""The pages and the API of requests, as people and programs use them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from selfservice.runs.run import State, Status
from tests.approvals.conftest import ROOT

#: The form that alice fills in; the values are to be shown as they are, whatever they look like.
NOTE = {"key": "k", "hosts": "master", "v.path": "/tmp/note", "v.text": "<b>{{ 7 * 7 }}</b>"}

Post = Callable[..., TestResponse]


@pytest.fixture
def post(csrf_of: Callable[..., str]) -> Post:
    """Send a form, as the page of it would."""

    def send(client: FlaskClient, path: str, **form: Any) -> TestResponse:
        return client.post(path, data={"csrf_token": csrf_of(client), **form})

    return send


@pytest.fixture
def alice(sign_in_as: Callable[[str], FlaskClient]) -> FlaskClient:
    return sign_in_as("alice")


@pytest.fixture
def asked(app: APIFlask, alice: FlaskClient, post: Post) -> str:
    """The path of what alice asks for by the form, its preview done."""
    path = post(alice, "/operations/write_note", **NOTE).headers["Location"]
    end_preview(app, alice, path)
    return str(path)


def end_preview(app: APIFlask, client: FlaskClient, path: str) -> None:
    preview = shown(client, path)["preview"]
    app.extensions["selfservice"].runs.folder(preview).write_status(Status(State.SUCCESSFUL))


def shown(client: FlaskClient, path: str) -> dict[str, Any]:
    """The request as the API tells it."""
    answer = client.get(f"/api/v1{path}")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return dict(answer.get_json())


def test_the_form_says_that_it_asks_and_whom(alice: FlaskClient) -> None:
    page = alice.get("/operations/two_steps").get_data(as_text=True)
    assert "Ask for approval" in page
    assert "bob, then by carol or the role administrator" in page


def test_sent_twice_it_is_asked_once(alice: FlaskClient, asked: str, post: Post) -> None:
    assert post(alice, "/operations/write_note", **NOTE).headers["Location"] == asked


def test_the_page_shows_values_as_they_are_and_who_may_decide(alice: FlaskClient, asked: str) -> None:
    page = alice.get(asked).get_data(as_text=True)
    assert "&lt;b&gt;{{ 7 * 7 }}&lt;/b&gt;" in page
    assert "waits for admin" in page
    assert "Nobody approves their own request" in page
    assert "Approve version" not in page


def test_what_waits_for_me_is_on_home_in_the_frame_and_in_the_list(signed_in: FlaskClient, asked: str) -> None:
    for path in ("/", "/requests?show=for-me"):
        page = signed_in.get(path).get_data(as_text=True)
        assert f'href="{asked}"' in page
        assert 'aria-label="Requests waiting for you: 1"' in page


def test_whoever_asked_has_nothing_waiting(alice: FlaskClient, asked: str) -> None:
    assert f'href="{asked}"' not in alice.get("/requests?show=for-me").get_data(as_text=True)
    assert f'href="{asked}"' in alice.get("/requests?show=mine").get_data(as_text=True)


def test_approved_on_the_page_it_runs(signed_in: FlaskClient, asked: str, post: Post) -> None:
    assert post(signed_in, f"{asked}/approve", revision=1, comment="Go.").status_code == 303
    found = shown(signed_in, asked)
    assert found["state"] == "launched"
    run = signed_in.get(f"/api/v1/runs/{found['run_id']}").get_json()
    assert run["request"]["variables"] == {"path": "/tmp/note", "text": NOTE["v.text"]}
    assert f'href="{asked}"' in signed_in.get(f"/runs/{found['run_id']}").get_data(as_text=True)


def test_a_change_shows_old_and_new_and_an_old_page_cannot_approve_it(
    signed_in: FlaskClient, alice: FlaskClient, asked: str, post: Post
) -> None:
    assert "{{ 7 * 7 }}" in alice.get(f"{asked}/change").get_data(as_text=True)
    assert post(alice, f"{asked}/change", **{**NOTE, "revision": 1, "v.text": "Better"}).status_code == 303
    page = signed_in.get(asked).get_data(as_text=True)
    assert "<del>&lt;b&gt;{{ 7 * 7 }}&lt;/b&gt;</del>" in page
    assert "<ins>Better</ins>" in page
    refused = post(signed_in, f"{asked}/approve", revision=1)
    assert refused.status_code == 409
    assert "was changed since you looked at it" in refused.get_data(as_text=True)
    assert shown(signed_in, asked)["state"] == "waiting"


def test_a_bad_change_is_told_beside_its_field(alice: FlaskClient, asked: str, post: Post) -> None:
    answer = post(alice, f"{asked}/change", **{**NOTE, "revision": 1, "v.path": ""})
    assert answer.status_code == 422
    assert "This is needed." in answer.get_data(as_text=True)


def test_the_asker_is_refused_in_words_also_by_the_api(alice: FlaskClient, asked: str, post: Post) -> None:
    answer = post(alice, f"{asked}/approve", revision=1)
    assert answer.status_code == 403
    assert "Nobody approves their own request" in answer.get_data(as_text=True)


def test_rejecting_needs_words_and_keeps_what_was_typed(signed_in: FlaskClient, asked: str, post: Post) -> None:
    assert post(signed_in, f"{asked}/reject", revision=1, comment=" ").status_code == 422
    assert post(signed_in, f"{asked}/reject", revision=1, comment="Not on Fridays.").status_code == 303
    assert "Not on Fridays." in signed_in.get(asked).get_data(as_text=True)


def test_withdrawn_by_whoever_asked(alice: FlaskClient, asked: str, post: Post) -> None:
    assert post(alice, f"{asked}/withdraw").status_code == 303
    assert shown(alice, asked)["state"] == "withdrawn"


def test_the_api_asks_where_approval_is_needed(signed_in_api: Post, app: APIFlask) -> None:
    body = {"hosts": "master", "variables": {"path": "/tmp/note"}}
    answer = signed_in_api("POST", "/api/v1/operations/write_note/runs", json=body, headers={"Idempotency-Key": "a"})
    assert answer.status_code == 202
    assert answer.get_json() == {"request": 1, "state": "waiting", "url": "/requests/1"}
    again = signed_in_api("POST", "/api/v1/operations/write_note/runs", json=body, headers={"Idempotency-Key": "a"})
    assert again.get_json()["request"] == 1


def test_nobody_else_knows_of_it(app: APIFlask, alice: FlaskClient, asked: str, sign_in: Any) -> None:
    accounts = app.extensions["selfservice"].accounts
    accounts.create_person("charlie", "correct horse battery", ROOT, role="viewer")
    charlie = sign_in(app.test_client(), "charlie", "correct horse battery")
    assert charlie.get(asked).status_code == 404
    assert charlie.get(f"/api/v1{asked}").status_code == 404
    assert charlie.get("/api/v1/requests").get_json()["requests"] == []


@pytest.mark.parametrize("wrong", ["/99999999999", "?show=x", "?state=x", "?cursor=x"])
def test_addresses_that_mean_nothing(signed_in: FlaskClient, wrong: str) -> None:
    assert signed_in.get(f"/requests{wrong}").status_code in (404, 422)


def test_a_schedule_for_it_is_refused_when_it_is_saved(signed_in_api: Post) -> None:
    plan = {"title": "Nightly", "hosts": "master", "operation": "write_note", "variables": {"path": "/tmp/n"}}
    timing = {"every": "day", "zone": "UTC", "at": "02:00"}
    answer = signed_in_api("POST", "/api/v1/schedules", json={**plan, "timing": timing})
    assert answer.status_code == 409
    assert "only after somebody else has approved it" in answer.get_json()["detail"]
