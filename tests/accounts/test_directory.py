"""Signing in by a directory: a real OpenLDAP, with StartTLS and LDAPS by a CA of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import trustme
from apiflask import APIFlask
from flask.testing import FlaskClient

from selfservice.accounts import directory
from selfservice.accounts.builtin_roles import TECHNICAL_AGENT, VIEWER
from selfservice.accounts.errors import SignInRefused, TooManyAttempts
from selfservice.accounts.permissions import Permission
from selfservice.accounts.providers import Provider, ProviderKind, ProviderSettings, SignInElsewhereFailed
from selfservice.accounts.roles import Author
from selfservice.accounts.sign_in import SignIn
from selfservice.errors import BadInput, Unavailable
from selfservice.outgoing import PrivateAddress
from tests.accounts.conftest import ALICE_PASSWORD, TERMINAL
from tests.conftest import ADMIN_PASSWORD
from tests.system.slapd import BASE, PASSWORD, READER, READER_PASSWORD, Directory, running

pytest.importorskip("bonsai", reason="needs bonsai: deploy/make-venv requirements-ldap.txt")

ROOT = Author(TERMINAL, frozenset(Permission))


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Directory]:
    with running(tmp_path_factory.mktemp("slapd")) as started:
        yield started


def _settings(office: Directory, **more: Any) -> dict[str, Any]:
    return {
        "address": f"ldaps://127.0.0.1:{office.tls_port}",
        "ca": office.ca,
        "bind_dn": READER,
        "people_base": f"ou=people,{BASE}",
        "groups_base": f"ou=groups,{BASE}",
        "groups": "cn",
        **more,
    }


def _provider(office: Directory, *, private: bool = True, secret: str = READER_PASSWORD, **more: Any) -> Provider:
    settings = ProviderSettings(**_settings(office, **more))
    return Provider(1, "office", ProviderKind.LDAP, "The office", secret, settings, private)


@pytest.mark.parametrize("scheme", ["ldaps", "ldap"])
def test_somebody_is_known_by_name_and_password(office: Directory, scheme: str) -> None:
    port = office.tls_port if scheme == "ldaps" else office.port
    found = directory.authenticate(_provider(office, address=f"{scheme}://127.0.0.1:{port}"), "alice", PASSWORD)
    assert found is not None
    assert (found.name, found.display_name, found.email) == ("alice", "Alice Directory", "alice@example.org")
    assert found.groups == {"operators"}
    assert len(found.subject) == 36, "what stays when somebody is renamed there"


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("alice", "wrong"), ("alice", ""), ("nobody", PASSWORD), ("", PASSWORD), ("alice", "bob in the directory"),
        ("*", PASSWORD), ("ali*", PASSWORD), ("alice)(uid=*", PASSWORD), ("*)(objectClass=*", PASSWORD),
        ("alice\0", PASSWORD), ("alice", PASSWORD + "\0more"), ("\\61lice", PASSWORD), ("a" * 10_000, PASSWORD),
    ],
)  # fmt: skip
def test_everything_else_is_refused_and_no_name_is_a_filter(office: Directory, name: str, password: str) -> None:
    assert directory.authenticate(_provider(office), name, password) is None


def test_a_name_with_signs_of_filters_in_its_entry_is_found_with_its_groups(office: Directory) -> None:
    found = directory.authenticate(_provider(office), "star", "star in the directory")
    assert found is not None
    assert found.groups == {"operators"}


def test_a_directory_with_another_certificate_is_not_spoken_to(office: Directory) -> None:
    other = trustme.CA().cert_pem.bytes().decode()
    for address in (f"ldaps://127.0.0.1:{office.tls_port}", f"ldap://127.0.0.1:{office.port}"):
        with pytest.raises(SignInElsewhereFailed, match="did not answer as it should"):
            directory.authenticate(_provider(office, ca=other, address=address), "alice", PASSWORD)


def test_a_directory_in_a_private_network_is_asked_where_that_is_allowed_alone(office: Directory) -> None:
    with pytest.raises(PrivateAddress):
        directory.authenticate(_provider(office, private=False), "alice", PASSWORD)


def test_the_connection_is_tested_step_by_step(office: Directory) -> None:
    assert [each.ok for each in directory.check(_provider(office))] == [True, True, True]
    assert "does not accept" in directory.check(_provider(office, secret="wrong"))[-1].sentence
    missing = directory.check(_provider(office, people_base=f"ou=nowhere,{BASE}"))
    assert [each.ok for each in missing] == [True, False, True]
    silent = directory.check(_provider(office, address="ldaps://127.0.0.1:1"))
    assert not silent[0].ok


# With accounts.


@pytest.fixture
def parts(app: APIFlask, office: Directory) -> SignIn:
    """Signing in, with the directory as a provider."""
    services = app.extensions["selfservice"]
    services.accounts.security.change({"private_addresses": True}, 0, ROOT)
    values = {"title": "The office", "enabled": True, "secret": READER_PASSWORD, **_settings(office)}
    values |= {"group_roles": (("operators", TECHNICAL_AGENT),), "default_role": ""}
    services.sign_in.providers.create("office", "ldap", values, ROOT)
    found: SignIn = services.sign_in
    return found


def test_people_of_the_directory_sign_in_on_the_same_page(
    app: APIFlask, client: FlaskClient, parts: SignIn, sign_in: Callable[..., FlaskClient]
) -> None:
    sign_in(client, "Alice", PASSWORD)
    alice = app.extensions["selfservice"].accounts.people.get("alice")
    assert (alice.role.name, alice.password_hash, alice.email) == (TECHNICAL_AGENT, "", "alice@example.org")
    assert "The office" in client.get("/account").text
    sign_in(app.test_client(), "alice", PASSWORD)
    sign_in(app.test_client(), "admin", ADMIN_PASSWORD)


def test_the_password_of_a_directory_is_changed_there_alone(
    client: FlaskClient, parts: SignIn, sign_in: Callable[..., FlaskClient]
) -> None:
    sign_in(client, "alice", PASSWORD)
    assert "Choose a password" not in client.get("/account").text
    answer = client.get("/account/password")
    assert answer.status_code == 403
    assert "Your password is that of The office" in answer.text


def test_who_is_in_no_group_stays_out_and_is_told(
    client: FlaskClient, parts: SignIn, csrf_of: Callable[..., str]
) -> None:
    form = {"csrf_token": csrf_of(client, "/sign-in"), "name": "bob", "password": "bob in the directory"}
    answer = client.post("/sign-in", data=form)
    assert answer.status_code == 403
    assert "None of your groups" in answer.text


def test_an_account_here_is_no_account_there(app: APIFlask, parts: SignIn) -> None:
    accounts = app.extensions["selfservice"].accounts
    accounts.create_person("alice", ALICE_PASSWORD, TERMINAL, role=VIEWER)
    assert parts.passwords.check("alice", ALICE_PASSWORD, "192.0.2.1")[1] == "password"
    with pytest.raises(SignInRefused):
        parts.passwords.check("alice", PASSWORD, "192.0.2.1")


def test_a_password_of_an_account_here_is_not_told_to_the_directory(
    parts: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []

    def remember(_provider: Provider, name: str, password: str, _ca: str) -> None:
        asked.append((name, password))

    monkeypatch.setattr(directory, "authenticate", remember)
    for name in ("admin", "nobody"):
        with pytest.raises(SignInRefused):
            parts.passwords.check(name, "nearly my password", "192.0.2.1")
    assert [name for name, _ in asked] == ["admin", "nobody"], "both are looked up"
    assert [password == "nearly my password" for _, password in asked] == [False, True]


def test_guessing_passwords_of_the_directory_has_to_wait(parts: SignIn) -> None:
    for guess in range(5):
        with pytest.raises(SignInRefused):
            parts.passwords.check("alice", "wrong", f"192.0.2.{guess}")
    with pytest.raises(TooManyAttempts):
        parts.passwords.check("alice", PASSWORD, "192.0.2.99")


def test_where_the_directory_does_not_answer_accounts_here_still_open(
    parts: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_: object) -> None:
        raise SignInElsewhereFailed("no answer")

    monkeypatch.setattr(directory, "authenticate", silent)
    assert parts.passwords.check("admin", ADMIN_PASSWORD, "192.0.2.1")[0].name == "admin"
    with pytest.raises(Unavailable, match="The office does not answer"):
        parts.passwords.check("alice", PASSWORD, "192.0.2.1")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("address", "http://ldap.example.org"), ("address", "ldap://"), ("address", "ldapi:///"),
        ("people_filter", "(uid=x)"), ("people_filter", "(uid={name}{0})"), ("people_base", ""),
        ("groups_filter", "member={dn}"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_told_beside_its_field(parts: SignIn, office: Directory, field: str, value: str) -> None:
    values = {"title": "Other", "secret": "x", **_settings(office), field: value}
    with pytest.raises(BadInput) as told:
        parts.providers.create("other", "ldap", values, ROOT)
    assert told.value.field == field
