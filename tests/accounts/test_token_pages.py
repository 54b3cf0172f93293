"""Everybody makes tokens of their own, and sees and revokes no others."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from selfservice.accounts.accounts import Accounts
from selfservice.nodes.nodes import Nodes
from tests.accounts.conftest import ALICE_PASSWORD, TERMINAL

CsrfOf = Callable[..., str]
SignIn = Callable[..., FlaskClient]


@pytest.fixture
def accounts(app: APIFlask) -> Accounts:
    found: Accounts = app.extensions["selfservice"].accounts
    return found


@pytest.fixture
def alice(app: APIFlask, accounts: Accounts, sign_in: SignIn) -> FlaskClient:
    """A technical agent, signed in."""
    accounts.create_person("alice", ALICE_PASSWORD, TERMINAL)
    return sign_in(app.test_client(), "alice", ALICE_PASSWORD)


def _made(client: FlaskClient, csrf_of: CsrfOf, **fields: str) -> str:
    """The secret of a new token, as the page shows it."""
    form = {"csrf_token": csrf_of(client), "name": "nightly", "scope": "read", "days": "90", **fields}
    answer = client.post("/account/tokens", data=form)
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.text.split('id="token">')[1].split("<")[0]


def _status(client: FlaskClient, secret: str, method: str, path: str) -> int:
    return client.open(path, method=method, headers={"Authorization": f"Bearer {secret}"}, json={}).status_code


def test_a_token_is_shown_once_and_opens_what_its_scope_allows(
    client: FlaskClient, alice: FlaskClient, csrf_of: CsrfOf
) -> None:
    secret = _made(alice, csrf_of)
    assert secret not in alice.get("/account/tokens").text
    assert secret[:9] in alice.get("/account/tokens").text
    assert _status(client, secret, "GET", "/api/v1/runs") == 200
    assert _status(client, secret, "POST", "/api/v1/commands") == 403
    wider = _made(alice, csrf_of, name="launcher", scope="launch")
    assert _status(client, wider, "POST", "/api/v1/commands") == 422
    assert _status(client, wider, "POST", "/api/v1/alerts") == 403


def test_a_revoked_token_opens_nothing(client: FlaskClient, alice: FlaskClient, csrf_of: CsrfOf) -> None:
    secret = _made(alice, csrf_of)
    answer = alice.post("/account/tokens/1/revoke", data={"csrf_token": csrf_of(alice)})
    assert answer.status_code == 303
    assert _status(client, secret, "GET", "/api/v1/runs") == 401
    assert "Revoked" in alice.get("/account/tokens").text


def test_nobody_sees_or_revokes_tokens_of_somebody_else(
    client: FlaskClient, signed_in: FlaskClient, alice: FlaskClient, csrf_of: CsrfOf
) -> None:
    secret = _made(alice, csrf_of, name="hers")
    assert "hers" not in signed_in.get("/account/tokens").text.split("<main")[1]
    answer = signed_in.post("/account/tokens/1/revoke", data={"csrf_token": csrf_of(signed_in)})
    assert answer.status_code == 404
    assert _status(client, secret, "GET", "/api/v1/runs") == 200


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"name": ""}, "needs a name"),
        ({"name": "a/b"}, "no slash"),
        ({"scope": "root"}, "goes as far as read, launch, administer"),
        ({"days": "100000"}, "times that are offered"),
    ],
)
def test_a_token_that_cannot_be_made_says_why(
    alice: FlaskClient, csrf_of: CsrfOf, fields: dict[str, str], sentence: str
) -> None:
    form = {"csrf_token": csrf_of(alice), "name": "nightly", "scope": "read", "days": "90", **fields}
    answer = alice.post("/account/tokens", data=form)
    assert answer.status_code == 422
    assert sentence in answer.text


def test_a_token_of_a_node_opens_nothing_of_people(app: APIFlask, client: FlaskClient) -> None:
    nodes: Nodes = app.extensions["selfservice"].nodes
    _, secret = nodes.add("web-1", "https://web-1.example.org", TERMINAL)
    for path in ("/api/v1/runs", "/api/v1/hosts", "/api/v1/openapi.json"):
        assert _status(client, secret, "GET", path) == 401


def test_what_a_token_does_is_told_with_its_persons_name(
    app: APIFlask, client: FlaskClient, alice: FlaskClient, csrf_of: CsrfOf
) -> None:
    secret = _made(alice, csrf_of, scope="launch")
    headers = {"Authorization": f"Bearer {secret}"}
    made = client.post("/api/v1/commands", json={"command": "true", "hosts": "all"}, headers=headers)
    assert client.get(made.headers["Location"], headers=headers).json["actor"]["name"] == "alice/nightly"
