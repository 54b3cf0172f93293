"""Signing in elsewhere: OpenID Connect, and Facebook, with a provider that answers."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
import requests
from apiflask import APIFlask
from flask.testing import FlaskClient
from joserfc.jwk import RSAKey
from sqlalchemy import update
from werkzeug.test import TestResponse

from selfservice import create_app
from selfservice.accounts.accounts import ensure_first_admin
from selfservice.accounts.builtin_roles import ADMINISTRATOR, TECHNICAL_AGENT, VIEWER
from selfservice.accounts.models import Person
from selfservice.accounts.people import Standing
from selfservice.accounts.permissions import Permission
from selfservice.accounts.roles import Author
from selfservice.accounts.sign_in_models import SessionRecord
from selfservice.accounts.steps import Purpose
from selfservice.errors import BadInput, ChangedMeanwhile, Forbidden
from selfservice.outgoing import AnswerTooLarge, PrivateAddress, guard, vetted
from selfservice.settings import Settings
from tests.accounts.conftest import ALICE_PASSWORD, TERMINAL
from tests.nodes.test_http import says, server
from tests.records import everything_in
from tests.standins.openid_provider import CLIENT_ID, CLIENT_SECRET, Provider, openid_provider

ROOT = Author(TERMINAL, frozenset(Permission))
ALICE = {
    "sub": "alice-at-the-office",
    "preferred_username": "Alice.Office",
    "name": "Alice Office",
    "email": "alice@example.org",
    "email_verified": True,
    "groups": ["staff", "operators"],
}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, public_url="http://localhost:5000")


@pytest.fixture(scope="module")
def _running() -> Iterator[Provider]:
    with openid_provider() as running:
        yield running


@pytest.fixture
def office(_running: Provider) -> Provider:
    """The provider, with Alice signed in there."""
    _running.person = dict(ALICE)
    _running.spoil, _running.signed_with, _running.issuer = (lambda claims: None), None, ""
    _running.asked.clear()
    _running.redirect_uri = "http://localhost:5000/sign-in/with/office/callback"
    return _running


@pytest.fixture
def allowed(app: APIFlask) -> None:
    app.extensions["selfservice"].accounts.security.change({"private_addresses": True}, 0, ROOT)


def _values(office: Provider, **more: Any) -> dict[str, Any]:
    return {
        "title": "The office",
        "enabled": True,
        "secret": CLIENT_SECRET,
        "client_id": CLIENT_ID,
        "address": office.url,
        "default_role": VIEWER,
        **more,
    }


@pytest.fixture
def add(app: APIFlask, allowed: None, office: Provider) -> Callable[..., None]:
    def go(kind: str = "openid", **more: Any) -> None:
        app.extensions["selfservice"].sign_in.providers.create("office", kind, _values(office, **more), ROOT)

    return go


def _there_and_back(client: FlaskClient, start: str = "/sign-in/with/office?next=/account") -> Any:
    """What a browser does: to the provider, and back with what it says."""
    sent = client.get(start)
    assert sent.status_code == 302, sent.text
    back = requests.get(sent.location, allow_redirects=False, timeout=10)
    assert back.status_code == 302, back.text
    parts = urlsplit(back.headers["Location"])
    return client.get(f"{parts.path}?{parts.query}")


def _person(app: APIFlask, name: str) -> Person:
    found: Person = app.extensions["selfservice"].accounts.people.get(name)
    return found


def test_somebody_signs_in_elsewhere_and_gets_an_account(
    app: APIFlask, client: FlaskClient, add: Callable[..., None]
) -> None:
    add()
    assert 'href="/sign-in/with/office' in client.get("/sign-in").text
    assert _there_and_back(client).location == "/account"
    assert "The office" in client.get("/account").text
    alice = _person(app, "alice.office")
    assert (alice.role.name, alice.display_name, alice.email) == (VIEWER, "Alice Office", "alice@example.org")
    assert not alice.password_hash


def test_the_same_person_is_found_again_whatever_they_are_called_now(
    app: APIFlask, client: FlaskClient, office: Provider, add: Callable[..., None]
) -> None:
    add()
    _there_and_back(client)
    office.person |= {"preferred_username": "married", "email": "other@example.org"}
    again = app.test_client()
    _there_and_back(again)
    assert "alice.office" in again.get("/account").text


def test_nobody_becomes_somebody_here_by_a_name_or_an_address(
    app: APIFlask, client: FlaskClient, office: Provider, add: Callable[..., None]
) -> None:
    add()
    accounts = app.extensions["selfservice"].accounts
    accounts.create_person("boss", ALICE_PASSWORD, TERMINAL, role=ADMINISTRATOR, email="boss@example.org")
    office.person = {"sub": "mallory", "preferred_username": "boss", "email": "boss@example.org"}
    office.person |= {"email_verified": True, "name": "boss"}
    _there_and_back(client)
    mallory = _person(app, "boss-2")
    assert (mallory.role.name, mallory.email) == (VIEWER, None)


def test_state_nonce_and_pkce_are_sent_and_differ_each_time(
    client: FlaskClient, office: Provider, add: Callable[..., None]
) -> None:
    add()
    queries = []
    for _ in range(2):
        sent = parse_qs(urlsplit(client.get("/sign-in/with/office").location).query)
        assert sent["code_challenge_method"] == ["S256"]
        assert sent["redirect_uri"] == [office.redirect_uri]
        assert sent["scope"] == ["openid profile email groups"]
        queries.append([sent[name][0] for name in ("state", "nonce", "code_challenge")])
    assert all(one != other for one, other in zip(*queries, strict=True))


@pytest.mark.parametrize(
    "spoil",
    [
        {"nonce": "another"}, {"nonce": None}, {"aud": "another-client"}, {"iss": "https://evil.example"},
        {"exp": 1}, {"sub": None}, {"aud": [CLIENT_ID, "other"], "azp": "other"},
    ],
)  # fmt: skip
def test_an_answer_that_is_not_for_this_sign_in_is_refused(
    client: FlaskClient, office: Provider, add: Callable[..., None], spoil: dict[str, Any]
) -> None:
    add()

    def change(claims: dict[str, Any]) -> None:
        for name, value in spoil.items():
            claims.pop(name, None)
            if value is not None:
                claims[name] = value

    office.spoil = change
    answer = _there_and_back(client)
    assert answer.status_code == 403
    assert "not to be trusted" in answer.text or "cannot be read" in answer.text
    assert client.get("/account").status_code == 302


def test_an_answer_signed_by_somebody_else_is_refused(
    client: FlaskClient, office: Provider, add: Callable[..., None]
) -> None:
    add()
    office.signed_with = RSAKey.generate_key(2048, {"kid": "one"})
    assert _there_and_back(client).status_code == 403


def test_an_answer_counts_once_and_in_the_browser_that_asked(
    app: APIFlask, client: FlaskClient, add: Callable[..., None]
) -> None:
    add()
    sent = client.get("/sign-in/with/office")
    back = urlsplit(requests.get(sent.location, allow_redirects=False, timeout=10).headers["Location"])
    address = f"{back.path}?{back.query}"
    stranger = app.test_client()
    assert stranger.get(address).status_code == 410
    assert client.get(address.replace("state=", "state=x")).status_code == 403
    assert client.get(address).status_code == 410, "what was spoilt is gone"


def test_a_refusal_of_the_provider_is_told(client: FlaskClient, add: Callable[..., None]) -> None:
    add()
    client.get("/sign-in/with/office")
    answer = client.get("/sign-in/with/office/callback?error=access_denied&error_description=<script>")
    assert answer.status_code == 403
    assert "<script>" not in answer.text.partition("<main")[2].partition("</main>")[0]


def test_a_strangers_host_name_is_not_where_people_are_sent_back_to(
    client: FlaskClient, add: Callable[..., None]
) -> None:
    add()
    sent = client.get("/sign-in/with/office", headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"})
    assert "evil" not in sent.location


def test_after_signing_in_nobody_is_led_elsewhere(client: FlaskClient, add: Callable[..., None]) -> None:
    add()
    assert _there_and_back(client, "/sign-in/with/office?next=//evil.example").location == "/"


def test_groups_decide_the_role_at_every_sign_in_and_are_told_on(
    app: APIFlask, client: FlaskClient, office: Provider, add: Callable[..., None]
) -> None:
    told: list[tuple[str, frozenset[str]]] = []
    people = app.extensions["selfservice"].sign_in.outside_people
    people._tell_groups = lambda person, groups: told.append((person.name, groups))
    add(group_roles=(("operators", TECHNICAL_AGENT),), default_role="")
    _there_and_back(client)
    assert _person(app, "alice.office").role.name == TECHNICAL_AGENT
    assert told == [("alice.office", frozenset({"staff", "operators"}))]
    office.person["groups"] = ["staff"]
    assert _there_and_back(app.test_client()).status_code == 403
    providers = app.extensions["selfservice"].sign_in.providers
    values = _values(office, group_roles=(("operators", TECHNICAL_AGENT), ("staff", VIEWER)))
    providers.change("office", values, 1, ROOT)
    assert client.get("/account").status_code == 200
    _there_and_back(app.test_client())
    assert _person(app, "alice.office").role.name == VIEWER
    assert client.get("/account").status_code == 302, "another role ends what there was"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"default_role": ""}, "None of your groups"),
        ({"new_people": False}, "link it under My account"),
        ({"domains": ("example.com",)}, "not one of those that may come in"),
    ],
)
def test_who_may_not_come_in_is_told_why(
    client: FlaskClient, add: Callable[..., None], more: dict[str, Any], words: str
) -> None:
    add(**more)
    answer = _there_and_back(client)
    assert answer.status_code == 403
    assert words in answer.text


def test_an_address_that_is_not_verified_is_not_believed(
    app: APIFlask, client: FlaskClient, office: Provider, add: Callable[..., None]
) -> None:
    add(domains=("example.org",))
    office.person["email_verified"] = False
    assert _there_and_back(client).status_code == 403


def test_an_account_out_of_use_stays_out(app: APIFlask, client: FlaskClient, add: Callable[..., None]) -> None:
    add()
    _there_and_back(client)
    people = app.extensions["selfservice"].accounts.people
    people.change("alice.office", Standing("Alice", VIEWER, is_manager=False, active=False), 1, ROOT)
    assert _there_and_back(app.test_client()).status_code == 403


def test_an_account_is_linked_by_its_person_and_unlinked(
    app: APIFlask, signed_in: FlaskClient, add: Callable[..., None], csrf_of: Callable[..., str]
) -> None:
    add(new_people=False)
    assert _there_and_back(signed_in, "/account/identities/office/link").location == "/account"
    client = app.test_client()
    assert _there_and_back(client).location == "/account"
    assert "<strong>admin</strong>" in client.get("/account").text
    form = {"csrf_token": csrf_of(signed_in)}
    assert signed_in.post("/account/identities/1/unlink", data=form).status_code == 303
    assert _there_and_back(app.test_client()).status_code == 403


def test_who_has_a_second_factor_here_is_asked_for_it(
    app: APIFlask, client: FlaskClient, add: Callable[..., None], office: Provider
) -> None:
    add()
    _there_and_back(client)
    alice, parts = _person(app, "alice.office"), app.extensions["selfservice"].sign_in
    key = parts.second_factors.invite(alice)
    parts.second_factors.add(key, pyotp.TOTP(parts.second_factors.invitation(key, alice).secret).now(), alice, TERMINAL)
    assert _there_and_back(app.test_client()).location == "/sign-in/second-factor"
    parts.providers.change("office", _values(office, second_factor_there=True), 1, ROOT)
    assert _there_and_back(app.test_client()).location == "/account"


def _choose(client: FlaskClient, csrf_of: Callable[..., str], new: str = ALICE_PASSWORD) -> TestResponse:
    token = csrf_of(client, "/account/notifications")
    return client.post("/account/password", data={"csrf_token": token, "new": new, "again": new})


def test_somebody_without_a_password_chooses_one_soon_after_signing_in(
    app: APIFlask,
    client: FlaskClient,
    add: Callable[..., None],
    csrf_of: Callable[..., str],
    sign_in: Callable[..., FlaskClient],
) -> None:
    add()
    elsewhere = app.test_client()
    for each in (client, elsewhere):
        _there_and_back(each)
    assert "Choose a password" in client.get("/account").text
    page = client.get("/account/password").text
    assert ("<title>Choose a password · " in page, "Present password" in page) == (True, False)
    assert "too easy to guess" in _choose(client, csrf_of, "passwordpassword").text
    assert _choose(client, csrf_of).status_code == 302
    assert client.get("/account").status_code == 200
    assert elsewhere.get("/account").status_code == 302, "all other sessions have ended"
    assert "Present password" in client.get("/account/password").text
    sign_in(app.test_client(), "alice.office", ALICE_PASSWORD)
    assert _there_and_back(app.test_client()).location == "/account", "and the other way still opens"


def test_a_session_left_open_becomes_no_password(
    app: APIFlask, client: FlaskClient, add: Callable[..., None], csrf_of: Callable[..., str]
) -> None:
    add()
    _there_and_back(client)
    with app.extensions["selfservice"].database.session() as session:
        session.execute(update(SessionRecord).values(created_at=datetime.now(UTC) - timedelta(minutes=11)))
    for answer in (client.get("/account/password"), _choose(client, csrf_of)):
        assert answer.status_code == 403
        assert "Sign out, and in again: within 10 minutes" in answer.text
    assert _person(app, "alice.office").password_hash == ""


def test_a_session_without_the_second_factor_chooses_no_password(
    app: APIFlask, client: FlaskClient, add: Callable[..., None], csrf_of: Callable[..., str]
) -> None:
    add()
    _there_and_back(client)
    factors = app.extensions["selfservice"].sign_in.second_factors
    alice = _person(app, "alice.office")
    key = factors.invite(alice)
    factors.add(key, pyotp.TOTP(factors.invitation(key, alice).secret).now(), alice, TERMINAL)
    assert "again with your second factor" in _choose(client, csrf_of).text
    assert _person(app, "alice.office").password_hash == ""


def test_the_last_administrator_stays_one_whatever_their_groups_become(
    app: APIFlask, client: FlaskClient, add: Callable[..., None], office: Provider
) -> None:
    add(group_roles=(("operators", ADMINISTRATOR), ("staff", VIEWER)))
    _there_and_back(client)
    people = app.extensions["selfservice"].accounts.people
    admin = people.get("admin")
    people.change("admin", Standing("Admin", ADMINISTRATOR, is_manager=False, active=False), admin.version, ROOT)
    office.person["groups"] = ["staff"]
    assert _there_and_back(app.test_client()).location == "/account"
    assert _person(app, "alice.office").is_administrator
    people.change("admin", Standing("Admin", ADMINISTRATOR, is_manager=False, active=True), admin.version + 1, ROOT)
    _there_and_back(app.test_client())
    assert _person(app, "alice.office").role.name == VIEWER, "once there is another one"


def test_an_answer_of_a_provider_that_unpacks_to_far_more_is_not_read_to_its_end() -> None:
    packed = gzip.compress(b" " * 16 * 1024 * 1024)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    with server(says(head + packed)) as port, requests.Session() as session:
        guard(session, private=True)
        with pytest.raises(AnswerTooLarge, match="more than 1024 KiB"):
            session.get(f"http://127.0.0.1:{port}/")


def test_facebook_says_who_somebody_is_as_well(app: APIFlask, client: FlaskClient, add: Callable[..., None]) -> None:
    add("facebook")
    assert _there_and_back(client).location == "/account"
    alice = _person(app, "alice-office")
    assert (alice.display_name, alice.email) == ("Alice Office", None)


def test_secrets_are_sealed_and_do_not_follow_to_another_address(
    app: APIFlask, office: Provider, add: Callable[..., None], signed_in: FlaskClient
) -> None:
    add()
    services = app.extensions["selfservice"]
    assert CLIENT_SECRET not in everything_in(services.database)
    assert CLIENT_SECRET not in signed_in.get("/security/providers/office").text
    kept = _values(office, secret="")
    services.sign_in.providers.change("office", kept, 1, ROOT)
    with pytest.raises(BadInput, match="give the secret for it"):
        services.sign_in.providers.change("office", {**kept, "address": "https://evil.example"}, 2, ROOT)
    with pytest.raises(ChangedMeanwhile):
        services.sign_in.providers.change("office", kept, 1, ROOT)


def test_nobody_lets_others_become_more_than_they_are(app: APIFlask, office: Provider, allowed: None) -> None:
    helper = Author(TERMINAL, frozenset({Permission.SECURITY_EDIT}))
    values = _values(office, default_role=ADMINISTRATOR)
    with pytest.raises(Forbidden):
        app.extensions["selfservice"].sign_in.providers.create("office", "openid", values, helper)


def test_the_connection_is_tested_on_the_page(
    office: Provider, add: Callable[..., None], signed_in: FlaskClient, csrf_of: Callable[..., str]
) -> None:
    add()
    form = {"csrf_token": csrf_of(signed_in)}
    assert "Keys: works." in signed_in.post("/security/providers/office/check", data=form).text
    office.issuer = "https://evil.example"
    assert (
        "It says that it is https://evil.example" in signed_in.post("/security/providers/office/check", data=form).text
    )


def test_a_provider_is_added_on_the_page(
    office: Provider, allowed: None, signed_in: FlaskClient, csrf_of: Callable[..., str]
) -> None:
    form = {"csrf_token": csrf_of(signed_in), "name": "office", "kind": "openid", "title": "The office"}
    form |= {"address": office.url, "client_id": CLIENT_ID, "secret": CLIENT_SECRET, "enabled": "yes"}
    wrong = signed_in.post("/security/providers/new", data={**form, "group_roles": "admins = emperor"})
    assert wrong.status_code == 422
    assert "no role called" in wrong.text
    answer = signed_in.post("/security/providers/new", data={**form, "group_roles": "a=b = administrator\n"})
    assert answer.status_code == 303
    assert "a=b = administrator" in signed_in.get("/security/providers/office").text


# Addresses that are not called.


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "10.0.0.1", "192.168.1.1", "169.254.169.254", "::1", "[::1]", "::ffff:127.0.0.1",
     "0.0.0.0", "100.64.0.1", "fe80::1%lo", "224.0.0.1", "fd00::1", "2130706433", "0x7f.1", "2002:7f00:1::"],
)  # fmt: skip
def test_addresses_of_private_networks_are_not_called(host: str) -> None:
    with pytest.raises((PrivateAddress, OSError)):
        vetted(host, 443)


def test_public_addresses_are_called() -> None:
    assert vetted("93.184.215.14", 443) == "93.184.215.14"


def test_a_provider_in_a_private_network_is_called_where_an_administrator_says_so_alone(
    app: APIFlask, office: Provider, add: Callable[..., None], client: FlaskClient
) -> None:
    add()
    app.extensions["selfservice"].accounts.security.change({"private_addresses": False}, 1, ROOT)
    answer = client.get("/sign-in/with/office")
    assert answer.status_code == 422
    assert "private network" in answer.text
    assert office.asked == []


@pytest.mark.parametrize(
    "address",
    ["http://sign-in.example.org", "ftp://x.example", "https://", "https://user:pw@x.example", "javascript:alert(1)",
     "https://x.example?a=1", "http://127.0.0.1", "https://x.example:0", "file:///etc/passwd"],
)  # fmt: skip
def test_what_is_no_safe_address_is_not_kept(app: APIFlask, office: Provider, address: str) -> None:
    with pytest.raises(BadInput):
        app.extensions["selfservice"].sign_in.providers.create(
            "office", "openid", _values(office, address=address), ROOT
        )


def test_without_the_address_of_the_dashboard_nobody_is_sent_anywhere(settings: Settings, office: Provider) -> None:
    ensure_first_admin(settings)
    app = create_app(replace(settings, public_url="", host="192.0.2.1", trusted_proxies=1))
    services = app.extensions["selfservice"]
    services.accounts.security.change({"private_addresses": True}, 0, ROOT)
    services.sign_in.providers.create("office", "openid", _values(office), ROOT)
    assert app.test_client().get("/sign-in/with/office").status_code == 503
    assert services.sign_in.steps.begin(Purpose.PROVIDER, {})
    services.database.close()
