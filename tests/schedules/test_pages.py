"""The pages and the API of schedules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

FORM = {
    "title": "Nightly hello",
    "what": "operation",
    "operation": "say_hello",
    "variables": "greeting: Ahoy",
    "hosts": "master",
    "every": "day",
    "at": "02:30",
    "zone": "Europe/Berlin",
    "missed": "once",
    "jitter_seconds": "0",
    "enabled": "yes",
}
PLAN = {
    "title": "Uptime",
    "hosts": "master",
    "command": "uptime",
    "timing": {"every": "cron", "zone": "UTC", "cron": "*/5 * * * *"},
}


@pytest.fixture
def post(signed_in: FlaskClient, csrf_of: Callable[..., str]) -> Callable[..., TestResponse]:
    token = csrf_of(signed_in)

    def send(path: str, values: dict[str, Any] | None = None) -> TestResponse:
        return signed_in.post(path, data={"csrf_token": token, **(values or {})})

    return send


def test_a_schedule_is_made_shown_changed_and_deleted(signed_in: FlaskClient, post: Any) -> None:
    made = post("/schedules/new", FORM)
    assert made.status_code == 303, made.text
    page = signed_in.get(made.location).text
    assert "daily at 02:30, Europe/Berlin" in page
    assert "greeting: Ahoy" in page
    changed = post(
        f"{made.location}/edit", {**FORM, "title": "Weekly hello", "every": "week", "days": ["1"], "version": "1"}
    )
    assert changed.status_code == 303, changed.text
    assert "Monday at 02:30" in signed_in.get("/schedules").text
    post(f"{made.location}/delete")
    assert "Nothing is scheduled" in signed_in.get("/schedules").text


def test_two_people_do_not_overwrite_each_other_unknowingly(post: Any) -> None:
    made = post("/schedules/new", FORM)
    post(f"{made.location}/edit", {**FORM, "title": "Hers", "at": "04:15", "version": "1"})
    late = post(f"{made.location}/edit", {**FORM, "version": "1"})
    assert late.status_code == 409
    assert "Somebody else has changed the schedule Hers" in late.text
    assert "title: Hers; when: " in late.text
    assert "04:15" in late.text


def test_the_next_times_are_shown_before_saving(signed_in: FlaskClient, post: Any) -> None:
    page = post("/schedules/new", {**FORM, "preview": "yes"})
    assert page.text.count("02:30 CE") >= 5
    assert "Nothing is scheduled" in signed_in.get("/schedules").text


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"title": ""}, "Give it a title"),
        ({"operation": ""}, "Choose an operation"),
        ({"operation": "gone"}, "There is no operation"),
        ({"variables": "greting: Hi"}, "no such variable"),
        ({"variables": "- a"}, "Variables are a mapping"),
        ({"hosts": "nowhere"}, "No host or group is called"),
        ({"every": "cron", "cron": "0 0 30 2 *"}, "This never comes"),
        ({"every": "week"}, "at least one day"),
        ({"zone": "Mars/Crater"}, "no time zone"),
        ({"jitter_seconds": "-1"}, "whole number"),
        ({"what": "command", "command": ""}, "type a command"),
    ],
)
def test_what_cannot_be_is_told_and_what_was_typed_is_kept(post: Any, wrong: dict[str, str], sentence: str) -> None:
    answer = post("/schedules/new", {**FORM, **wrong})
    assert answer.status_code in (404, 422)
    assert sentence in answer.text
    assert "greeting: Ahoy" in answer.text or "variables" in wrong


def test_run_now_marks_the_run_with_its_schedule(app: APIFlask, signed_in: FlaskClient, post: Any) -> None:
    made = post("/schedules/new", FORM)
    ran = post(f"{made.location}/run")
    run, _ = app.extensions["selfservice"].runs.get(ran.location.rpartition("/")[2])
    assert (run.schedule, run.actor.name, run.actor.via) == (made.location.rpartition("/")[2], "admin", "session")
    assert run.id in signed_in.get(made.location).text


def test_disabling_and_enabling(signed_in: FlaskClient, post: Any) -> None:
    made = post("/schedules/new", FORM)
    post(f"{made.location}/enable", {"enabled": "no"})
    assert "Disabled" in signed_in.get("/schedules").text
    post(f"{made.location}/enable", {"enabled": "yes"})
    assert "Disabled" not in signed_in.get("/schedules").text


def test_blackouts_are_added_concern_schedules_and_are_removed(signed_in: FlaskClient, post: Any) -> None:
    post("/schedules/new", FORM)
    weekly = {"reason": "Quiet nights", "kind": "weekly", "weekday": "3", "at": "02:00", "minutes": "60"}
    assert post("/blackouts", {**weekly, "zone": "Europe/Berlin"}).status_code == 303
    page = signed_in.get("/blackouts").text
    assert "each Wednesday at 02:00" in page
    assert "Nightly hello" in page
    backwards = {"reason": "x", "kind": "once", "starts_at": "2026-12-02T00:00", "ends_at": "2026-12-01T00:00"}
    assert "The end must be after" in post("/blackouts", {**backwards, "zone": "UTC"}).text
    post("/blackouts/1/delete")
    assert "Nothing holds schedules back" in signed_in.get("/blackouts").text


def test_the_api_does_the_same(signed_in: FlaskClient, csrf_of: Callable[..., str]) -> None:
    headers = {"X-CSRFToken": csrf_of(signed_in)}
    made = signed_in.post("/api/v1/schedules", json=PLAN, headers=headers)
    assert made.status_code == 201, made.json
    path = f"/api/v1/schedules/{made.json['id']}"
    changed = signed_in.put(path, json={**PLAN, "title": "Other", "version": 1}, headers=headers)
    assert (changed.json["title"], changed.json["version"]) == ("Other", 2)
    assert signed_in.patch(path, json={"enabled": False}, headers=headers).json["next_due_at"] is None
    assert signed_in.post(f"{path}/runs", headers=headers).status_code == 201
    preview = signed_in.post("/api/v1/schedules/preview", json=PLAN["timing"], headers=headers)
    assert len(preview.json["times"]) == 5
    never = {**PLAN, "timing": {"every": "cron", "zone": "UTC", "cron": "0 0 30 2 *"}}
    refused = signed_in.post("/api/v1/schedules", json=never, headers=headers)
    assert (refused.status_code, refused.json["field"]) == (422, "cron")
    assert signed_in.delete(path, headers=headers).status_code == 204
    assert signed_in.get(path).status_code == 404
