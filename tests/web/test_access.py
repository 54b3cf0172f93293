"""Every door is closed unless it says for whom it opens."""

from __future__ import annotations

import re
from collections.abc import Callable

from apiflask import APIFlask
from flask.testing import FlaskClient

from selfservice.accounts.permissions import Permission
from selfservice.audit.actions import Actor
from selfservice.web.access import NODES_ONLY, declared_access

#: What may be opened without signing in. Adding to it is a decision, not an oversight.
OPEN = {
    "static", "bootstrap.static", "accounts.sign_in", "accounts.second_factor", "accounts.check_code",
    "passkeys.sign_in", "passkeys.sign_in_options", "outside.begin", "outside.finish", "by_mail.sign_up",
    "by_mail.send_code", "by_mail.new_account", "by_mail.make_account", "by_mail.forgotten", "by_mail.send_link",
    "by_mail.reset", "by_mail.choose_password", "health.healthz", "metrics.metrics", "files_api.pushed",
}  # fmt: skip
TERMINAL = Actor("alice", "terminal", "local")


def test_every_endpoint_says_who_may_open_it(app: APIFlask) -> None:
    silent = {rule.endpoint for rule in app.url_map.iter_rules() if declared_access(app, rule.endpoint) is None}
    assert silent == set()


def test_only_the_listed_endpoints_are_open_to_everyone(app: APIFlask) -> None:
    opened = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if not isinstance(declared_access(app, rule.endpoint), Permission)
        and declared_access(app, rule.endpoint) != NODES_ONLY
    }
    assert opened == OPEN


def test_nobody_gets_anywhere_without_signing_in(app: APIFlask, client: FlaskClient) -> None:
    for rule in app.url_map.iter_rules():
        if rule.endpoint in OPEN:
            continue
        where = re.sub("<[^>]+>", "1", rule.rule)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            answer = client.open(where, method=method)
            assert answer.status_code in {302, 401}, (method, where, answer.status_code)
            if answer.status_code == 302:
                assert answer.location.startswith("/sign-in"), where


def test_an_endpoint_that_declares_nothing_is_refused(app: APIFlask, signed_in: FlaskClient) -> None:
    app._got_first_request = False
    app.add_url_rule("/forgotten", "forgotten", lambda: "secret")
    answer = signed_in.get("/forgotten")
    assert answer.status_code == 500
    assert "secret" not in answer.get_data(as_text=True)


def test_a_page_leads_to_sign_in_and_back(client: FlaskClient) -> None:
    answer = client.get("/account/password?a=1")
    assert answer.status_code == 302
    assert answer.location == "/sign-in?next=/account/password?a%3D1"


def test_the_api_answers_401_with_a_challenge(client: FlaskClient) -> None:
    answer = client.get("/api/v1/openapi.json")
    assert answer.status_code == 401
    assert answer.mimetype == "application/problem+json"
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "token" in answer.get_json(force=True)["detail"]


def test_a_token_opens_the_api(client: FlaskClient, make_token: Callable[..., str]) -> None:
    headers = {"Authorization": f"Bearer {make_token()}"}
    answer = client.get("/api/v1/openapi.json", headers=headers)
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers


def test_a_token_opens_no_page(client: FlaskClient, make_token: Callable[..., str]) -> None:
    headers = {"Authorization": f"Bearer {make_token()}"}
    assert client.get("/account/password", headers=headers).status_code == 302


def test_a_wrong_token_is_refused_even_with_a_session(signed_in: FlaskClient) -> None:
    answer = signed_in.get("/api/v1/openapi.json", headers={"Authorization": "Bearer ss_wrong"})
    assert answer.status_code == 401
    assert answer.get_json(force=True)["type"] == "urn:selfservice:problem:bad-token"


def test_a_revoked_token_is_refused(app: APIFlask, client: FlaskClient, make_token: Callable[..., str]) -> None:
    headers = {"Authorization": f"Bearer {make_token()}"}
    app.extensions["selfservice"].accounts.tokens.revoke("admin/nightly", TERMINAL)
    assert client.get("/api/v1/openapi.json", headers=headers).status_code == 401


def test_a_session_without_csrf_token_changes_nothing(signed_in: FlaskClient) -> None:
    answer = signed_in.post("/sign-out")
    assert answer.status_code == 400
    assert "Load the page again" in answer.get_data(as_text=True)
    assert signed_in.get("/account/password").status_code == 200


def test_without_the_csrf_token_a_session_changes_nothing_anywhere(app: APIFlask, signed_in: FlaskClient) -> None:
    refused = 0
    for rule in app.url_map.iter_rules():
        where = re.sub("<[^>]+>", "1", rule.rule)
        if rule.endpoint == "files_api.pushed" or declared_access(app, rule.endpoint) == NODES_ONLY:
            continue  # no cookie opens these: a signature does, or the token of a node
        for method in sorted((rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}):
            answer = signed_in.open(where, method=method, data={"csrf_token": "wrong"})
            assert answer.status_code == 400, (method, where)
            assert "Load the page again" in answer.text
            refused += 1
    assert refused > 120
    assert signed_in.get("/account").status_code == 200, "not even the session has ended"


def test_the_api_asks_a_session_for_the_csrf_token_too(
    signed_in: FlaskClient, csrf_of: Callable[[FlaskClient], str]
) -> None:
    path = "/api/v1/runs/20261120T201455-7f3a9c/cancel"
    answer = signed_in.post(path)
    assert answer.status_code == 400
    assert answer.get_json(force=True)["type"] == "urn:selfservice:problem:csrf"
    assert signed_in.post(path, headers={"X-CSRFToken": csrf_of(signed_in)}).status_code == 404


def test_a_token_needs_no_csrf_token(client: FlaskClient, make_token: Callable[..., str]) -> None:
    headers = {"Authorization": f"Bearer {make_token()}"}
    answer = client.post("/api/v1/runs/20261120T201455-7f3a9c/cancel", headers=headers)
    assert answer.status_code == 404
