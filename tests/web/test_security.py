"""What every answer carries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from selfservice import create_app
from selfservice.audit.actions import Action
from selfservice.settings import CHECKOUT, Settings
from selfservice.web.access import STATIC_ENDPOINTS
from tests.projects.conftest import Zebra, services, settings, zebra  # noqa: F401  # a project with one of each kind
from tests.web import places


class Inline(HTMLParser):
    """Code and style that stand in a page itself, where the policy lets none of it work."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        is_data = given.get("type") == "application/json"
        if tag == "style" or (tag == "script" and "src" not in given and not is_data):
            self.found.append(f"<{tag}>")
        for name, value in given.items():
            if name == "style" or name.startswith("on") or (value or "").strip().lower().startswith("javascript:"):
                self.found.append(f"<{tag} {name}={value!r}>")


def _policy(answer: TestResponse) -> dict[str, str]:
    """The content security policy, by directive."""
    parts = (each.strip().partition(" ") for each in answer.headers["Content-Security-Policy"].split(";"))
    return {name: value for name, _, value in parts}


def _assert_guarded(answer: TestResponse, where: str) -> None:
    policy = _policy(answer)
    assert policy["default-src"] == policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
    assert policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'", where
    assert "unsafe" not in str(policy), where
    assert answer.headers["X-Content-Type-Options"] == "nosniff", where
    assert answer.headers["Referrer-Policy"] == "same-origin", where
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin", where
    assert "camera=()" in answer.headers["Permissions-Policy"], where
    if answer.mimetype == "text/html":
        assert Inline(answer.text).found == [], where


def test_every_page_forbids_foreign_code_and_has_none_of_its_own_inside(
    app: APIFlask,
    signed_in: FlaskClient,
    zebra: Zebra,  # noqa: F811
    make_token: Callable[..., str],
) -> None:
    places.furnish(app, make_token())
    shown = 0
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()):
            continue
        where = places.filled(rule.rule, zebra)
        for client in (signed_in, app.test_client()):
            with client.get(where) as answer:
                _assert_guarded(answer, where)
                if client is signed_in and rule.endpoint not in STATIC_ENDPOINTS:
                    assert answer.headers["Cache-Control"] == "no-store", where
                    shown += answer.status_code == 200 and answer.mimetype == "text/html"
    assert shown > 50


@pytest.mark.parametrize("path", ["/nothing", "/runs/../../etc", "/api/v1/nothing", "/edits/99999999999999999999"])
def test_errors_are_guarded_like_pages(signed_in: FlaskClient, path: str) -> None:
    for method in ("GET", "POST", "DELETE"):
        answer = signed_in.open(path, method=method)
        assert answer.status_code in {404, 405}
        _assert_guarded(answer, path)


def test_no_template_has_code_or_style_inside() -> None:
    templates = sorted((CHECKOUT / "templates").rglob("*.html"))
    assert len(templates) > 50
    found = {path.name: Inline(path.read_text(encoding="utf-8")).found for path in templates}
    assert {name: inside for name, inside in found.items() if inside} == {}


def test_files_of_the_program_may_be_kept(signed_in: FlaskClient) -> None:
    with signed_in.get("/static/css/selfservice.css") as answer:
        assert answer.headers["Cache-Control"] != "no-store"


def test_every_answer_has_a_request_id_of_its_own(client: FlaskClient) -> None:
    first, second = (client.get("/sign-in").headers["X-Request-ID"] for _ in range(2))
    assert len(first) == 16
    assert first != second


def test_the_address_behind_a_proxy_counts_only_where_the_proxy_is_trusted(
    app: APIFlask,
    settings: Settings,  # noqa: F811
) -> None:
    sent = {"X-Forwarded-For": "192.0.2.7", "Authorization": "Bearer ss_wrong"}
    seen: list[str] = []
    for each in (app, create_app(replace(settings, trusted_proxies=1))):
        recorded: list[Action] = []
        each.extensions["selfservice"].journal.append = recorded.append
        each.test_client().get("/api/v1/openapi.json", headers=sent)
        seen += [action.actor.address for action in recorded]
    assert seen == ["127.0.0.1", "192.0.2.7"]
