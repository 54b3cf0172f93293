"""What a mailbox shows: new accounts, other addresses, forgotten passwords; with a real mail server."""

from __future__ import annotations

import queue
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from email import message_from_bytes
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope
from apiflask import APIFlask
from flask.testing import FlaskClient

from selfservice.accounts import mail as mail_module
from selfservice.accounts.builtin_roles import ADMINISTRATOR, VIEWER
from selfservice.accounts.mail import email_address
from selfservice.accounts.models import Person
from selfservice.accounts.permissions import Permission
from selfservice.accounts.roles import Author
from selfservice.accounts.steps import SECONDS, Purpose
from selfservice.audit.journal import Journal
from selfservice.errors import BadInput, Forbidden
from selfservice.settings import SettingError, Settings, load
from tests.accounts.conftest import ALICE_PASSWORD, TERMINAL
from tests.conftest import ADMIN_PASSWORD
from tests.ports import free_port
from tests.records import everything_in

ROOT = Author(TERMINAL, frozenset(Permission))
NEW_PASSWORD = "another long password"
ADDRESS = "https://selfservice.example.org"
CsrfOf = Callable[..., str]


@dataclass
class Mailbox:
    """Every mail that arrives at the server."""

    mails: queue.Queue[tuple[str, str]] = field(default_factory=queue.Queue)

    async def handle_DATA(self, server: object, session: object, envelope: Envelope) -> str:  # noqa: N802
        message = message_from_bytes(envelope.original_content or b"")
        text = message.get_payload(decode=True)
        assert isinstance(text, bytes)
        self.mails.put((envelope.rcpt_tos[0], text.decode()))
        return "250 Message accepted"

    def next(self) -> tuple[str, str]:
        """To whom, and what it says; waits for it."""
        return self.mails.get(timeout=10)


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Controller, Mailbox]]:
    mailbox = Mailbox()
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield controller, mailbox
    controller.stop()


@pytest.fixture
def mailbox(server: tuple[Controller, Mailbox]) -> Mailbox:
    assert server[1].mails.empty(), "a mail of another test"
    return server[1]


@pytest.fixture
def settings(settings: Settings, server: tuple[Controller, Mailbox]) -> Settings:
    mail: dict[str, Any] = {"smtp_host": "127.0.0.1", "smtp_port": server[0].port}
    mail |= {"smtp_security": "none", "smtp_sender": "it@example.org"}
    return replace(settings, public_url=ADDRESS, **mail)


@pytest.fixture
def opened(app: APIFlask) -> None:
    values = {"sign_up": True, "sign_up_domains": ("Example.ORG",)}
    app.extensions["selfservice"].accounts.security.change(values, 0, ROOT)


@pytest.fixture
def alice(app: APIFlask) -> Person:
    accounts = app.extensions["selfservice"].accounts
    made: Person = accounts.create_person("alice", ALICE_PASSWORD, TERMINAL, email="alice@example.org")
    return made


def _post(client: FlaskClient, csrf_of: CsrfOf, path: str, page: str = "", **form: str) -> tuple[int, str, str]:
    answer = client.post(path, data={"csrf_token": csrf_of(client, page or path), **form})
    return answer.status_code, answer.location or "", answer.text


def _code(mailbox: Mailbox) -> str:
    found = re.search(r"\b\d{8}\b", mailbox.next()[1])
    assert found
    return found.group()


def _link(mailbox: Mailbox) -> str:
    found = re.search(r"https://\S+", mailbox.next()[1])
    assert found
    return found.group()


# Sign-up.


def test_strangers_make_no_accounts_unless_that_is_opened(client: FlaskClient, csrf_of: CsrfOf) -> None:
    assert client.get("/sign-up").status_code == 404
    assert _post(client, csrf_of, "/sign-up", "/sign-in", email="bob@example.org")[0] == 404
    assert "/sign-up" not in client.get("/sign-in").text


def test_a_code_from_the_mailbox_makes_an_account(
    app: APIFlask, client: FlaskClient, opened: None, mailbox: Mailbox, csrf_of: CsrfOf
) -> None:
    assert 'href="/sign-up"' in client.get("/sign-in").text
    assert _post(client, csrf_of, "/sign-up", email=" Bob@Example.org ")[:2] == (303, "/sign-up/account")
    to, _ = mail = mailbox.next()
    assert to.lower() == "bob@example.org"
    code = re.findall(r"\b\d{8}\b", mail[1])[0]
    form = {"code": f"{code[:4]} {code[4:]}", "name": "bob", "password": NEW_PASSWORD}
    assert _post(client, csrf_of, "/sign-up/account", **form)[:2] == (302, "/")
    bob = app.extensions["selfservice"].accounts.people.get("bob")
    assert (bob.role.name, bob.email) == (VIEWER, "bob@example.org")
    assert client.get("/account").status_code == 200
    assert code not in everything_in(app.extensions["selfservice"].database)


def test_what_is_wrong_with_the_rest_costs_no_attempt(
    client: FlaskClient, opened: None, mailbox: Mailbox, csrf_of: CsrfOf
) -> None:
    _post(client, csrf_of, "/sign-up", email="bob@example.org")
    code = _code(mailbox)
    for _ in range(6):
        form = {"code": code, "name": "admin", "password": NEW_PASSWORD}
        status, _, page = _post(client, csrf_of, "/sign-up/account", **form)
        assert status == 409
        assert "an account called admin already" in page
        assert NEW_PASSWORD not in page


def test_a_code_cannot_be_guessed(client: FlaskClient, opened: None, mailbox: Mailbox, csrf_of: CsrfOf) -> None:
    _post(client, csrf_of, "/sign-up", email="bob@example.org")
    code, token = _code(mailbox), csrf_of(client, "/sign-up/account")
    form = {"csrf_token": token, "name": "bob", "password": NEW_PASSWORD}
    guesses = [f"{(int(code) + step) % 10**8:08}" for step in range(1, 6)]
    statuses = [client.post("/sign-up/account", data={**form, "code": guess}).status_code for guess in guesses]
    assert statuses == [422] * 4 + [410]
    assert client.post("/sign-up/account", data={**form, "code": code}).status_code == 410


def test_a_code_is_good_for_some_minutes_in_the_browser_that_asked(
    app: APIFlask,
    client: FlaskClient,
    opened: None,
    mailbox: Mailbox,
    csrf_of: CsrfOf,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(SECONDS, Purpose.SIGN_UP, -1)
    _post(client, csrf_of, "/sign-up", email="bob@example.org")
    mailbox.next()
    assert client.get("/sign-up/account").status_code == 410
    assert app.test_client().get("/sign-up/account").status_code == 410


def test_an_address_that_has_an_account_looks_like_any_other(
    client: FlaskClient, alice: Person, opened: None, mailbox: Mailbox, csrf_of: CsrfOf
) -> None:
    assert _post(client, csrf_of, "/sign-up", email="alice@example.org")[:2] == (303, "/sign-up/account")
    to, text = mailbox.next()
    assert to == "alice@example.org"
    assert "has one already" in text
    form = {"code": "00000000", "name": "eve", "password": NEW_PASSWORD}
    status, _, page = _post(client, csrf_of, "/sign-up/account", **form)
    assert (status, "not the code" in page) == (422, True)


def test_mails_are_sent_once_a_minute(client: FlaskClient, opened: None, mailbox: Mailbox, csrf_of: CsrfOf) -> None:
    _post(client, csrf_of, "/sign-up", email="bob@example.org")
    mailbox.next()
    status, _, page = _post(client, csrf_of, "/sign-up", email="BOB@example.org")
    assert (status, "wait a minute" in page) == (429, True)


@pytest.mark.parametrize(
    "email",
    ["", "bob", "bob@", "bob@evil.com", "bob@example.org.evil.com", "bob@example.org\nBcc: x@evil.com",
     "b\u00f6b@example.org", "x" * 300 + "@example.org", "\u0430lice@example.org", "bob@ex\u0430mple.org"],
)  # fmt: skip
def test_other_addresses_get_no_code(
    client: FlaskClient, opened: None, mailbox: Mailbox, csrf_of: CsrfOf, email: str
) -> None:
    assert _post(client, csrf_of, "/sign-up", email=email)[0] == 422


def test_nobody_lets_strangers_become_more_than_they_are(app: APIFlask) -> None:
    helper = Author(TERMINAL, frozenset({Permission.SECURITY_EDIT}))
    with pytest.raises(Forbidden):
        app.extensions["selfservice"].accounts.security.change({"sign_up_role": ADMINISTRATOR}, 0, helper)


# A forgotten password.


def test_a_link_from_the_mailbox_gives_a_new_password_once(
    app: APIFlask,
    client: FlaskClient,
    alice: Person,
    mailbox: Mailbox,
    csrf_of: CsrfOf,
    sign_in: Callable[..., FlaskClient],
) -> None:
    signed_in = sign_in(app.test_client(), "alice", ALICE_PASSWORD)
    strangers: dict[str, Any] = {"base_url": "http://evil.example", "headers": {"X-Forwarded-Host": "evil.example"}}
    token = re.search(r'csrf_token"[^>]*value="([^"]+)', client.get("/forgotten-password", **strangers).text)
    assert token
    form = {"csrf_token": token.group(1), "name": "Alice"}
    assert client.post("/forgotten-password", data=form, **strangers).status_code == 200
    link = _link(mailbox)
    assert link.startswith(f"{ADDRESS}/reset-password?key=")
    path = link.removeprefix(ADDRESS)
    key = path.partition("=")[2]
    assert key not in everything_in(app.extensions["selfservice"].database)
    passwords = {"key": key, "new": NEW_PASSWORD, "again": NEW_PASSWORD}
    wrong = _post(client, csrf_of, "/reset-password", path, **{**passwords, "again": "otherwise"})
    assert wrong[0] == 422
    assert _post(client, csrf_of, "/reset-password", path, **passwords)[:2] == (303, "/sign-in")
    assert client.get(path).status_code == 410
    assert signed_in.get("/account").status_code == 302, "all sessions have ended"
    sign_in(app.test_client(), "alice", NEW_PASSWORD)


def test_a_link_leads_to_this_node_whatever_the_request_says_it_is_called(
    client: FlaskClient, alice: Person, mailbox: Mailbox
) -> None:
    forged = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/forgotten-password", headers=forged).text)
    assert token
    form = {"csrf_token": token[1], "name": "alice"}
    assert client.post("/forgotten-password", data=form, headers=forged).status_code == 200
    mail = mailbox.next()[1]
    assert f"{ADDRESS}/reset-password?key=" in mail
    assert "evil" not in mail


def test_nobody_learns_who_exists_from_a_forgotten_password(
    app: APIFlask, client: FlaskClient, alice: Person, mailbox: Mailbox, csrf_of: CsrfOf
) -> None:
    pages = []
    for name in ("alice", "nobody", "nobody@example.org", "admin"):
        status, _, page = _post(client, csrf_of, "/forgotten-password", name=name)
        assert status == 200
        pages.append(page.partition("<main")[2].partition("</main>")[0])
    assert len(set(pages)) == 1
    assert mailbox.next()[0] == "alice@example.org"
    assert mailbox.mails.empty()


def test_a_link_ends_with_the_next_one_and_with_another_password(
    app: APIFlask, client: FlaskClient, alice: Person, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_module.Mail, "check", lambda *_: None)
    by_mail = app.extensions["selfservice"].sign_in.by_mail
    links = []
    for _ in range(2):
        by_mail.begin_reset("alice", "192.0.2.1")
        links.append(_link(mailbox).removeprefix(ADDRESS))
    assert [client.get(link).status_code for link in links] == [410, 200]
    app.extensions["selfservice"].accounts.new_password("alice", ROOT)
    assert client.get(links[1]).status_code == 410


def test_a_password_that_is_easy_to_guess_does_not_use_the_link_up(
    client: FlaskClient, app: APIFlask, alice: Person, mailbox: Mailbox, csrf_of: CsrfOf
) -> None:
    app.extensions["selfservice"].sign_in.by_mail.begin_reset("alice@example.org", "192.0.2.1")
    path = _link(mailbox).removeprefix(ADDRESS)
    form = {"key": path.partition("=")[2], "new": "passwordpassword", "again": "passwordpassword"}
    assert _post(client, csrf_of, "/reset-password", path, **form)[0] == 422
    assert client.get(path).status_code == 200


# The own address.


def test_an_address_is_ones_own_after_a_code(
    app: APIFlask, signed_in: FlaskClient, mailbox: Mailbox, csrf_of: CsrfOf
) -> None:
    form = {"email": "Boss@example.org", "password": ADMIN_PASSWORD}
    assert _post(signed_in, csrf_of, "/account/email", **{**form, "password": "wrong"})[0] == 422
    assert _post(signed_in, csrf_of, "/account/email", **form)[:2] == (303, "/account/email/code")
    code = _code(mailbox)
    assert app.extensions["selfservice"].accounts.people.get("admin").email is None
    assert _post(signed_in, csrf_of, "/account/email/code", code=code)[:2] == (303, "/account")
    assert app.extensions["selfservice"].accounts.people.get("admin").email == "boss@example.org"


def test_an_address_of_somebody_else_stays_theirs(
    app: APIFlask, signed_in: FlaskClient, alice: Person, mailbox: Mailbox, csrf_of: CsrfOf
) -> None:
    form = {"email": "alice@example.org", "password": ADMIN_PASSWORD}
    assert _post(signed_in, csrf_of, "/account/email", **form)[0] == 303
    assert "belongs to another one" in mailbox.next()[1]
    assert _post(signed_in, csrf_of, "/account/email/code", code="00000000")[0] == 422


# The server.


def test_a_server_that_does_not_answer_is_logged_and_breaks_nothing(
    app: APIFlask, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    away = replace(settings, smtp_port=1, smtp_user="me", smtp_password="very secret word")
    broken = mail_module.Mail(away, app.extensions["selfservice"].database)
    message = mail_module.EmailMessage()
    broken._deliver(message)
    assert "could not be handed" in caplog.text
    assert "very secret" not in caplog.text


def test_without_a_server_nothing_is_offered(app: APIFlask, settings: Settings) -> None:
    silent = mail_module.Mail(replace(settings, smtp_host=""), app.extensions["selfservice"].database)
    assert not silent.is_set_up


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"SELFSERVICE_SMTP_SECURITY": "none"}, "readable by anybody"),
        ({"SELFSERVICE_SMTP_SECURITY": "maybe"}, "must be starttls, tls or none"),
        ({"SELFSERVICE_SMTP_SENDER": ""}, "must name the address"),
        ({"SELFSERVICE_PUBLIC_URL": "selfservice.example.org"}, "must be like https://"),
    ],
)
def test_settings_that_cannot_work_refuse_the_start(environment: dict[str, str], words: str) -> None:
    base = {"SELFSERVICE_SMTP_HOST": "mail.example.org", "SELFSERVICE_SMTP_SENDER": "it@example.org"}
    with pytest.raises(SettingError, match=words):
        load({**base, **environment})


@pytest.mark.parametrize("text", ["Alice@EXAMPLE.org", " alice@example.org "])
def test_one_address_has_one_spelling(text: str) -> None:
    assert email_address(text) == "alice@example.org"
    with pytest.raises(BadInput):
        email_address(text + "@")


def test_the_journal_holds_no_code(
    app: APIFlask, client: FlaskClient, opened: None, mailbox: Mailbox, csrf_of: CsrfOf, settings: Settings
) -> None:
    _post(client, csrf_of, "/sign-up", email="bob@example.org")
    code = _code(mailbox)
    assert isinstance(app.extensions["selfservice"].journal, Journal)
    assert not any(code in each.read_text() for each in settings.audit.glob("*.jsonl"))
