"""Where somebody is signed in, and how that ends."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import update

from selfservice.accounts.accounts import Accounts
from selfservice.accounts.errors import SessionNotFound
from selfservice.accounts.models import Person
from selfservice.accounts.permissions import Permission
from selfservice.accounts.roles import Author
from selfservice.accounts.sessions import device
from selfservice.accounts.sign_in_models import SessionRecord
from selfservice.audit.actions import Actor, Kind
from selfservice.store.database import Database
from tests.accounts.conftest import ALICE_PASSWORD, TERMINAL, Remembered
from tests.records import database_url, everything_in  # noqa: F401

SESSION = Actor("alice", "session", "192.0.2.1")
ROOT = Author(TERMINAL, frozenset(Permission))
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PHONE = "Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile Safari/537.36"
SignIn = Callable[..., FlaskClient]
CsrfOf = Callable[..., str]


def _begin(accounts: Accounts, person: Person) -> str:
    return accounts.sessions.begin(person, "password", "192.0.2.1", FIREFOX)


def _age(database: Database, **ages: timedelta) -> None:
    with database.session() as session:
        session.execute(update(SessionRecord).values({name: datetime.now(UTC) - age for name, age in ages.items()}))


def test_a_session_is_somebodys_and_says_where_and_since_when(accounts: Accounts, alice: Person) -> None:
    key = _begin(accounts, alice)
    seen = accounts.sessions.person_of(key)
    assert seen is not None
    assert seen.id == alice.id
    (record,) = accounts.sessions.of(alice)
    assert (record.device, record.address, record.way) == ("Firefox on Linux", "192.0.2.1", "password")
    assert accounts.sessions.is_current(record, seen)


def test_whoever_reads_the_database_cannot_sign_in_with_it(
    accounts: Accounts, alice: Person, database: Database
) -> None:
    assert _begin(accounts, alice) not in everything_in(database)


@pytest.mark.parametrize("key", ["", "x", "1:1", "x" * 10_000, "\0", "\ud800", "ä"])
def test_a_key_of_nobody_opens_nothing(accounts: Accounts, alice: Person, key: str) -> None:
    _begin(accounts, alice)
    assert accounts.sessions.person_of(key) is None


@pytest.mark.parametrize(
    ("ages", "good"),
    [
        ({"last_seen_at": timedelta(hours=11)}, True),
        ({"last_seen_at": timedelta(hours=13)}, False),
        ({"created_at": timedelta(days=29)}, True),
        ({"created_at": timedelta(days=31)}, False),
    ],
)
def test_a_session_ends_when_it_is_not_used_or_grows_old(
    accounts: Accounts, alice: Person, database: Database, ages: dict[str, timedelta], good: bool
) -> None:
    key = _begin(accounts, alice)
    _age(database, **ages)
    assert (accounts.sessions.person_of(key) is not None) is good
    assert (len(accounts.sessions.of(alice)) == 1) is good


def test_shorter_times_count_for_sessions_that_there_are(accounts: Accounts, alice: Person, database: Database) -> None:
    key = _begin(accounts, alice)
    _age(database, last_seen_at=timedelta(hours=3))
    accounts.security.change({"idle_hours": 2}, 0, ROOT)
    assert accounts.sessions.person_of(key) is None


def test_being_used_is_noted_once_a_minute(accounts: Accounts, alice: Person, database: Database) -> None:
    key = _begin(accounts, alice)
    accounts.sessions.person_of(key, "198.51.100.7")
    assert accounts.sessions.of(alice)[0].address == "192.0.2.1"
    _age(database, last_seen_at=timedelta(minutes=2))
    accounts.sessions.person_of(key, "198.51.100.7")
    (record,) = accounts.sessions.of(alice)
    assert record.address == "198.51.100.7"
    assert datetime.now(UTC) - record.last_seen_at < timedelta(minutes=1)


def test_one_session_is_ended_by_its_person_alone(accounts: Accounts, alice: Person, journal: Remembered) -> None:
    bob = accounts.create_person("bob", ALICE_PASSWORD, TERMINAL)
    key = _begin(accounts, alice)
    (record,) = accounts.sessions.of(alice)
    with pytest.raises(SessionNotFound):
        accounts.sessions.end(record.id, bob, SESSION)
    assert accounts.sessions.person_of(key) is not None
    accounts.sessions.end(record.id, alice, SESSION)
    assert accounts.sessions.person_of(key) is None
    assert journal.actions[-1].kind is Kind.SESSION_END


def test_all_other_sessions_are_ended_at_once(accounts: Accounts, alice: Person) -> None:
    others, mine = [_begin(accounts, alice) for _ in range(3)], _begin(accounts, alice)
    assert accounts.sessions.end_others(alice, SESSION) == 3
    assert [accounts.sessions.person_of(key) for key in others] == [None] * 3
    assert accounts.sessions.person_of(mine) is not None


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (FIREFOX, "Firefox on Linux"),
        (PHONE, "Chrome on Android"),
        ("", "An unknown browser"),
        ("curl/8.0", "curl/8.0"),
        ("\x1b]0;evil\x07" + "x" * 900, "]0;evil" + "x" * 53),
    ],
)
def test_a_browser_is_called_as_a_person_would(agent: str, words: str) -> None:
    assert device(agent) == words


def _numbers(client: FlaskClient) -> list[str]:
    return re.findall(r"/account/sessions/(\d+)/end", client.get("/account").text)


def test_the_page_lists_own_sessions_and_ends_them(
    app: APIFlask, signed_in: FlaskClient, sign_in: SignIn, csrf_of: CsrfOf
) -> None:
    others = [sign_in(app.test_client()) for _ in range(3)]
    numbers = _numbers(signed_in)
    assert len(numbers) == 3
    form = {"csrf_token": csrf_of(signed_in)}
    assert signed_in.post(f"/account/sessions/{numbers[0]}/end", data=form).status_code == 303
    assert len(_numbers(signed_in)) == 2
    assert signed_in.post("/account/sessions/end-others", data=form).status_code == 303
    assert {client.get("/account").status_code for client in others} == {302}
    assert signed_in.get("/account").status_code == 200


def test_a_cookie_from_before_signing_in_opens_nothing_afterwards(
    app: APIFlask, client: FlaskClient, sign_in: SignIn
) -> None:
    client.get("/sign-in")
    planted = client.get_cookie("selfservice")
    sign_in(client)
    assert planted is not None
    thief = app.test_client()
    thief.set_cookie("selfservice", planted.value)
    assert thief.get("/account").status_code == 302


def test_a_stolen_cookie_is_worth_nothing_after_signing_out(
    app: APIFlask, signed_in: FlaskClient, csrf_of: CsrfOf
) -> None:
    stolen = signed_in.get_cookie("selfservice")
    assert stolen is not None
    thief = app.test_client()
    thief.set_cookie("selfservice", stolen.value)
    assert thief.get("/account").status_code == 200
    signed_in.post("/sign-out", data={"csrf_token": csrf_of(signed_in)})
    assert thief.get("/account").status_code == 302


def test_a_strangers_host_name_leads_nowhere(client: FlaskClient) -> None:
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    for path in ("/", "/sign-in"):
        answer = client.get(path, headers=headers)
        assert "evil.example" not in answer.text + str(answer.headers.get("Location"))
