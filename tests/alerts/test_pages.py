"""The Alerts page, the bell and the API of alerts."""

from __future__ import annotations

from collections.abc import Callable

from apiflask import APIFlask
from flask.testing import FlaskClient

from selfservice.alerts.alerts import NewAlert
from selfservice.audit.actions import Actor

SENDER = Actor("monitoring", "token", "192.0.2.9")


def send(app: APIFlask, message: str, **named: object) -> int:
    alert_id: int = app.extensions["selfservice"].alerts.send(NewAlert(message, **named), SENDER)  # type: ignore[arg-type]
    return alert_id


def test_the_bell_counts_what_is_open(app: APIFlask, signed_in: FlaskClient) -> None:
    send(app, "One")
    send(app, "For somebody else", to=("alice",))
    assert 'aria-label="Alerts: 1 open"' in signed_in.get("/").text


def test_markup_in_a_message_is_text(app: APIFlask, signed_in: FlaskClient) -> None:
    send(app, "<img src=x onerror=alert(1)>")
    assert "&lt;img src=x" in signed_in.get("/alerts").text


def test_dismissing_takes_it_off_the_page(app: APIFlask, signed_in: FlaskClient, csrf_of: Callable[..., str]) -> None:
    alert_id = send(app, "Disk full")
    signed_in.post(f"/alerts/{alert_id}/dismiss", data={"csrf_token": csrf_of(signed_in)})
    assert "Disk full" not in signed_in.get("/alerts").text
    assert "Disk full" in signed_in.get("/alerts?show=all").text


def test_the_api_sends_lists_and_withdraws(signed_in: FlaskClient, csrf_of: Callable[..., str]) -> None:
    headers = {"X-CSRFToken": csrf_of(signed_in)}
    body = {"message": "Backup done", "severity": "success", "to": ["admin"], "link": "/runs", "expires_in": 60}
    sent = signed_in.post("/api/v1/alerts", json=body, headers=headers)
    assert sent.status_code == 201
    (listed,) = signed_in.get("/api/v1/alerts").json["alerts"]
    assert (listed["message"], listed["severity"], listed["sender"]) == ("Backup done", "success", "admin")
    assert signed_in.delete(f"/api/v1/alerts/{sent.json['id']}", headers=headers).status_code == 204
    assert signed_in.get("/api/v1/alerts").json["alerts"] == []


def test_the_api_names_the_field_that_is_wrong(signed_in: FlaskClient, csrf_of: Callable[..., str]) -> None:
    headers = {"X-CSRFToken": csrf_of(signed_in)}
    for body, field in (
        ({}, "message"),
        ({"message": "x", "severity": "panic"}, "severity"),
        ({"message": "x", "link": "javascript:alert(1)"}, "link"),
    ):
        answer = signed_in.post("/api/v1/alerts", json=body, headers=headers)
        assert (answer.status_code, answer.json["field"]) == (422, field)
