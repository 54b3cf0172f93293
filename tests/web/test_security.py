"""What every answer carries."""

from __future__ import annotations

from dataclasses import replace

from apiflask import APIFlask
from flask.testing import FlaskClient

from selfservice import create_app
from selfservice.audit.actions import Action
from selfservice.settings import Settings


def test_every_answer_forbids_foreign_code(client: FlaskClient) -> None:
    for path in ("/sign-in", "/nothing", "/api/v1/openapi.json", "/healthz"):
        headers = client.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert "camera=()" in headers["Permissions-Policy"]


def test_pages_of_a_person_are_not_kept_by_browsers(signed_in: FlaskClient) -> None:
    assert signed_in.get("/account/password").headers["Cache-Control"] == "no-store"


def test_files_of_the_program_may_be_kept(signed_in: FlaskClient) -> None:
    with signed_in.get("/static/css/selfservice.css") as answer:
        assert answer.headers["Cache-Control"] != "no-store"


def test_every_answer_has_a_request_id_of_its_own(client: FlaskClient) -> None:
    first, second = (client.get("/sign-in").headers["X-Request-ID"] for _ in range(2))
    assert len(first) == 16
    assert first != second


def test_the_address_behind_a_proxy_counts_only_where_the_proxy_is_trusted(app: APIFlask, settings: Settings) -> None:
    sent = {"X-Forwarded-For": "192.0.2.7", "Authorization": "Bearer ss_wrong"}
    seen: list[str] = []
    for each in (app, create_app(replace(settings, trusted_proxies=1))):
        recorded: list[Action] = []
        each.extensions["selfservice"].journal.append = recorded.append
        each.test_client().get("/api/v1/openapi.json", headers=sent)
        seen += [action.actor.address for action in recorded]
    assert seen == ["127.0.0.1", "192.0.2.7"]
