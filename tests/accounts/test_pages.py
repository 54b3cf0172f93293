"""Signing in and out, and changing the password, as people see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from http.cookies import Morsel, SimpleCookie

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from selfservice import create_app
from selfservice.accounts.pages import own_path
from selfservice.audit.actions import Action, Kind, Outcome
from selfservice.settings import Settings
from tests.accounts.conftest import TERMINAL
from tests.conftest import ADMIN_PASSWORD

NEW_PASSWORD = "another long password"
SignIn = Callable[..., FlaskClient]
CsrfOf = Callable[..., str]


@pytest.fixture
def recorded(app: APIFlask, monkeypatch: pytest.MonkeyPatch) -> list[Action]:
    """What the journal is asked to keep."""
    journal = app.extensions["selfservice"].journal
    actions: list[Action] = []
    append = journal.append

    def remember(action: Action) -> object:
        actions.append(action)
        return append(action)

    monkeypatch.setattr(journal, "append", remember)
    return actions


def _post_sign_in(client: FlaskClient, csrf_of: CsrfOf, **fields: str) -> tuple[int, str, str]:
    answer = client.post("/sign-in", data={"csrf_token": csrf_of(client, "/sign-in"), **fields})
    return answer.status_code, answer.get_data(as_text=True), answer.headers.get("Location", "")


def _session_cookie(answer_headers: list[str]) -> Morsel[str]:
    cookies: SimpleCookie = SimpleCookie()
    for header in answer_headers:
        cookies.load(header)
    return cookies["selfservice"]


def test_signing_in_leads_to_the_page_that_was_wanted(client: FlaskClient, csrf_of: CsrfOf) -> None:
    status, _, location = _post_sign_in(
        client, csrf_of, name="admin", password=ADMIN_PASSWORD, next="/account/password?a=1"
    )
    assert (status, location) == (302, "/account/password?a=1")
    assert client.get("/account/password").status_code == 200


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "evil",
        "javascript:alert(1)", "/\n/evil.example", "/\t/evil.example", "///evil.example", "http:evil", "",
    ],
)  # fmt: skip
def test_signing_in_never_leads_elsewhere(app: APIFlask, target: str) -> None:
    with app.test_request_context():
        assert own_path(target) == "/"


def test_an_unknown_name_and_a_wrong_password_look_the_same(client: FlaskClient, csrf_of: CsrfOf) -> None:
    pages = []
    for name in ("admin", "nobody"):
        status, page, _ = _post_sign_in(client, csrf_of, name=name, password="wrong password")
        assert status == 401
        pages.append(page.split("<main")[1].split("</main")[0].replace(name, "NAME").split('csrf_token"'))
    assert pages[0][0] == pages[1][0]
    assert "The name or the password is not right." in pages[0][0]


def test_a_sign_in_without_csrf_token_is_refused(client: FlaskClient) -> None:
    answer = client.post("/sign-in", data={"name": "admin", "password": ADMIN_PASSWORD})
    assert answer.status_code == 400
    assert client.get("/account/password").status_code == 302


def test_an_empty_form_says_what_to_type_beside_the_fields(client: FlaskClient, csrf_of: CsrfOf) -> None:
    status, page, _ = _post_sign_in(client, csrf_of, name="", password="")
    assert status == 422
    assert "Type your name." in page
    assert "Type your password." in page


def test_html_in_a_name_is_shown_as_text(client: FlaskClient, csrf_of: CsrfOf) -> None:
    _, page, _ = _post_sign_in(client, csrf_of, name="<script>alert(1)</script>", password="x")
    assert "<script>alert" not in page


def test_the_session_cookie_is_kept_from_scripts_and_other_sites(client: FlaskClient, csrf_of: CsrfOf) -> None:
    data = {"csrf_token": csrf_of(client, "/sign-in"), "name": "admin", "password": ADMIN_PASSWORD}
    cookie = _session_cookie(client.post("/sign-in", data=data).headers.getlist("Set-Cookie"))
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["expires"]
    assert not cookie["secure"]
    assert not cookie["domain"]


def test_the_session_cookie_needs_tls_where_that_is_set(app: APIFlask, settings: Settings) -> None:
    answer = create_app(replace(settings, secure_cookies=True)).test_client().get("/sign-in")
    assert _session_cookie(answer.headers.getlist("Set-Cookie"))["secure"]


def test_a_session_begins_afresh_at_sign_in(client: FlaskClient, sign_in: SignIn) -> None:
    with client.session_transaction() as session:
        session["planted"] = "by somebody else"
    sign_in(client)
    with client.session_transaction() as session:
        assert "planted" not in session


def test_signing_out_ends_the_session(signed_in: FlaskClient, csrf_of: CsrfOf) -> None:
    answer = signed_in.post("/sign-out", data={"csrf_token": csrf_of(signed_in)})
    assert answer.location == "/sign-in"
    assert signed_in.get("/account/password").status_code == 302


def test_a_phone_that_changes_its_network_stays_signed_in(signed_in: FlaskClient) -> None:
    elsewhere = {"REMOTE_ADDR": "203.0.113.9"}
    assert signed_in.get("/account/password", environ_base=elsewhere).status_code == 200


def test_a_changed_password_ends_all_other_sessions(
    app: APIFlask, signed_in: FlaskClient, sign_in: SignIn, csrf_of: CsrfOf
) -> None:
    other = sign_in(app.test_client())
    form = {"old": ADMIN_PASSWORD, "new": NEW_PASSWORD, "again": NEW_PASSWORD}
    answer = signed_in.post("/account/password", data={"csrf_token": csrf_of(signed_in), **form})
    assert answer.status_code == 302
    assert signed_in.get("/account/password").status_code == 200
    assert other.get("/account/password").status_code == 302


@pytest.mark.parametrize(
    ("old", "new", "again", "sentence"),
    [
        ("wrong", NEW_PASSWORD, NEW_PASSWORD, "This is not your present password."),
        (ADMIN_PASSWORD, "too-brief", "too-brief", "at least 12 characters"),
        (ADMIN_PASSWORD, NEW_PASSWORD, "typed otherwise", "not the same as the new password"),
    ],
)
def test_a_password_that_cannot_be_changed_says_why(
    signed_in: FlaskClient, csrf_of: CsrfOf, old: str, new: str, again: str, sentence: str
) -> None:
    data = {"csrf_token": csrf_of(signed_in), "old": old, "new": new, "again": again}
    answer = signed_in.post("/account/password", data=data)
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert sentence in page
    assert new not in page


def test_what_people_do_with_accounts_is_recorded(
    app: APIFlask, sign_in: SignIn, csrf_of: CsrfOf, recorded: list[Action]
) -> None:
    client = app.test_client()
    _post_sign_in(client, csrf_of, name="admin", password="wrong password")
    sign_in(client)
    form = {"old": ADMIN_PASSWORD, "new": NEW_PASSWORD, "again": NEW_PASSWORD}
    client.post("/account/password", data={"csrf_token": csrf_of(client), **form})
    client.post("/sign-out", data={"csrf_token": csrf_of(client)})
    assert [(action.kind, action.outcome) for action in recorded] == [
        (Kind.ACCOUNT_SIGN_IN, Outcome.REFUSED),
        (Kind.ACCOUNT_SIGN_IN, Outcome.OK),
        (Kind.ACCOUNT_PASSWORD, Outcome.OK),
        (Kind.ACCOUNT_SIGN_OUT, Outcome.OK),
    ]
    assert {action.actor.address for action in recorded} == {"127.0.0.1"}


def test_too_many_wrong_passwords_for_one_account_have_to_wait(client: FlaskClient, csrf_of: CsrfOf) -> None:
    token = csrf_of(client, "/sign-in")
    for attempt in range(5):
        data = {"csrf_token": token, "name": "admin", "password": "wrong password"}
        answer = client.post("/sign-in", data=data, environ_base={"REMOTE_ADDR": f"192.0.2.{attempt}"})
        assert answer.status_code == 401
    right = {"csrf_token": token, "name": "Admin ", "password": ADMIN_PASSWORD}
    answer = client.post("/sign-in", data=right, environ_base={"REMOTE_ADDR": "192.0.2.99"})
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert "too many wrong passwords" in answer.get_data(as_text=True)


def test_too_many_wrong_passwords_from_one_address_have_to_wait(client: FlaskClient, csrf_of: CsrfOf) -> None:
    token = csrf_of(client, "/sign-in")
    statuses = []
    for attempt in range(31):
        data = {"csrf_token": token, "name": f"name{attempt}", "password": "wrong password"}
        statuses.append(client.post("/sign-in", data=data).status_code)
    assert statuses == [401] * 30 + [429]


def test_right_passwords_never_have_to_wait(app: APIFlask, sign_in: SignIn) -> None:
    for _ in range(12):
        sign_in(app.test_client())


def test_guessing_the_password_from_a_session_has_to_wait_too(signed_in: FlaskClient, csrf_of: CsrfOf) -> None:
    data = {"csrf_token": csrf_of(signed_in), "old": "wrong", "new": NEW_PASSWORD, "again": NEW_PASSWORD}
    statuses = [signed_in.post("/account/password", data=data).status_code for _ in range(6)]
    assert statuses == [422] * 5 + [429]


def test_a_person_who_is_no_administrator_signs_in_too(app: APIFlask, sign_in: SignIn) -> None:
    app.extensions["selfservice"].accounts.create_person("alice", NEW_PASSWORD, TERMINAL)
    client = sign_in(app.test_client(), "alice", NEW_PASSWORD)
    assert client.get("/account/password").status_code == 200
