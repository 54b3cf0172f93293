"""Who comes in, and how passwords change."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Literal

import pytest
from argon2 import PasswordHasher

from selfservice.accounts import passwords
from selfservice.accounts.accounts import Accounts, ensure_first_admin
from selfservice.accounts.builtin_roles import ADMINISTRATOR, VIEWER
from selfservice.accounts.errors import AccountNotFound, NameTaken, SignInRefused, TooManyAttempts
from selfservice.accounts.models import Person
from selfservice.accounts.permissions import Permission
from selfservice.accounts.roles import Author
from selfservice.audit.actions import Actor, Kind, Outcome
from selfservice.errors import BadInput, ChangedMeanwhile, Forbidden
from selfservice.settings import SettingError, Settings
from selfservice.store.database import Database
from tests.accounts.conftest import ALICE_PASSWORD, TERMINAL, Remembered
from tests.records import database_url, everything_in  # noqa: F401

ROOT = Author(TERMINAL, frozenset(Permission))
SESSION = Actor("alice", "session", "192.0.2.1")
NEW_PASSWORD = "another long password"


@contextmanager
def time_machine(seconds: float) -> Iterator[None]:
    """So many seconds later, for what counts wrong passwords."""
    real = time.time
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", lambda: real() + seconds)
        yield


def test_the_right_password_opens_whatever_the_case_of_the_name(accounts: Accounts, alice: Person) -> None:
    assert accounts.check_password(" Alice ", ALICE_PASSWORD, "192.0.2.1").id == alice.id


@pytest.mark.parametrize(("name", "password"), [("alice", "wrong"), ("bob", ALICE_PASSWORD), ("", ""), ("a\0", "x")])
def test_a_wrong_name_and_a_wrong_password_are_refused_alike(
    accounts: Accounts, alice: Person, name: str, password: str
) -> None:
    with pytest.raises(SignInRefused, match=r"The name or the password is not right\."):
        accounts.check_password(name, password, "192.0.2.1")


def test_an_unknown_name_costs_the_same_hash_as_a_known_one(accounts: Accounts, alice: Person) -> None:
    verified: list[str] = []

    class Counting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
            verified.append(str(hash))
            return super().verify(hash, password)

    accounts._passwords = passwords.Passwords(Counting(1, 8, 1))
    for name in ("alice", "nobody"):
        with pytest.raises(SignInRefused):
            accounts.check_password(name, "wrong", "192.0.2.1")
    assert len(verified) == 2


def test_an_account_out_of_use_is_refused(accounts: Accounts, alice: Person, database: Database) -> None:
    with database.session() as session:
        session.get_one(Person, alice.id).active = False
    with pytest.raises(SignInRefused):
        accounts.check_password("alice", ALICE_PASSWORD, "192.0.2.1")


def test_every_sign_in_is_recorded_good_and_bad(accounts: Accounts, alice: Person, journal: Remembered) -> None:
    journal.actions.clear()
    accounts.enter(alice, "password", "192.0.2.1", "")
    with pytest.raises(SignInRefused):
        accounts.check_password("alice", "wrong", "192.0.2.1")
    assert [(a.kind, a.actor.name, a.target, a.outcome) for a in journal.actions] == [
        (Kind.ACCOUNT_SIGN_IN, "alice", "alice", Outcome.OK),
        (Kind.ACCOUNT_SIGN_IN, "anonymous", "alice", Outcome.REFUSED),
    ]


def test_a_password_typed_into_the_field_of_the_name_is_not_recorded(accounts: Accounts, journal: Remembered) -> None:
    with pytest.raises(SignInRefused):
        accounts.check_password(ALICE_PASSWORD, "", "192.0.2.1")
    assert ALICE_PASSWORD not in str(journal.actions)


def test_nobody_comes_in_unrecorded(accounts: Accounts, alice: Person, journal: Remembered) -> None:
    journal.broken = True
    with pytest.raises(OSError, match="disk full"):
        accounts.enter(alice, "password", "192.0.2.1", "")
    assert accounts.sessions.of(alice) == []


def test_a_hash_of_old_costs_is_renewed_at_sign_in(accounts: Accounts, alice: Person, database: Database) -> None:
    accounts._passwords = passwords.Passwords(PasswordHasher(2, 8, 1))
    accounts.check_password("alice", ALICE_PASSWORD, "192.0.2.1")
    with database.session() as session:
        assert "t=2" in session.get_one(Person, alice.id).password_hash


def test_a_changed_password_ends_the_sessions_before_it(accounts: Accounts, alice: Person) -> None:
    before = accounts.sessions.begin(alice, "password", "192.0.2.1", "")
    changed = accounts.change_password(alice, ALICE_PASSWORD, NEW_PASSWORD, SESSION)
    assert accounts.sessions.person_of(before) is None
    assert accounts.sessions.person_of(accounts.sessions.begin(changed, "password", "192.0.2.1", "")) is not None
    assert accounts.check_password("alice", NEW_PASSWORD, "192.0.2.1")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("wrong", NEW_PASSWORD, "not your present password"),
        (ALICE_PASSWORD, "short", "at least 12 characters; this one has 5"),
        (ALICE_PASSWORD, "aaaaaaaaaaaaaaa", "too easy"),
        (ALICE_PASSWORD, "passwordpassword", "too easy"),
        (ALICE_PASSWORD, "qwertyuiop1234", "similar to a commonly used password"),
        (ALICE_PASSWORD, "alicealice2026", "too easy"),
        (ALICE_PASSWORD, "x" * 1025, "at most 1024"),
        (ALICE_PASSWORD, ALICE_PASSWORD, "the same as the old one"),
    ],
)
def test_a_password_is_not_changed_to_what_cannot_be_used(
    accounts: Accounts, alice: Person, old: str, new: str, sentence: str
) -> None:
    with pytest.raises(BadInput, match=sentence):
        accounts.change_password(alice, old, new, SESSION)
    assert accounts.check_password("alice", ALICE_PASSWORD, "192.0.2.1")


def test_a_change_that_cannot_be_recorded_does_not_happen(
    accounts: Accounts, alice: Person, journal: Remembered
) -> None:
    journal.broken = True
    with pytest.raises(OSError, match="disk full"):
        accounts.change_password(alice, ALICE_PASSWORD, NEW_PASSWORD, SESSION)
    journal.broken = False
    assert accounts.check_password("alice", ALICE_PASSWORD, "192.0.2.1")


def test_somebody_who_forgot_the_password_gets_another(accounts: Accounts, alice: Person) -> None:
    before = accounts.sessions.begin(alice, "password", "192.0.2.1", "")
    _, password = accounts.new_password("alice", ROOT)
    assert accounts.check_password("alice", password, "192.0.2.1")
    assert accounts.sessions.person_of(before) is None
    with pytest.raises(AccountNotFound, match="no account called bob"):
        accounts.new_password("bob", ROOT)


def test_nobody_gets_into_an_account_that_may_more_by_a_new_password(accounts: Accounts, alice: Person) -> None:
    accounts.create_person("root", ALICE_PASSWORD, TERMINAL, role=ADMINISTRATOR)
    helper = Author(TERMINAL, alice.permissions | {Permission.PERSON_EDIT})
    with pytest.raises(Forbidden, match="cannot give root a password"):
        accounts.new_password("root", helper)
    with pytest.raises(Forbidden, match="cannot add somebody as administrator"):
        accounts.add_person("bob", "Bob", ADMINISTRATOR, helper)
    _, password = accounts.add_person("bob", "Bob", VIEWER, helper)
    assert accounts.check_password("bob", password, "192.0.2.1").role.name == VIEWER


@pytest.mark.parametrize(
    "name", ["", "a b", "../x", "<b>", "-a", "x" * 65, "x" * 100_000, "ä", "\u0430lice", "al\u200bice", "a\0", "ﬁx"]
)
def test_a_name_that_cannot_be_used_is_refused(accounts: Accounts, name: str) -> None:
    with pytest.raises(BadInput, match="cannot be used"):
        accounts.create_person(name, ALICE_PASSWORD, TERMINAL)


@pytest.mark.parametrize("name", ["ALICE", " alice ", "\uff41\uff4c\uff49\uff43\uff45", "AlicE"])
def test_a_name_is_given_once_however_it_is_written(accounts: Accounts, alice: Person, name: str) -> None:
    with pytest.raises(NameTaken):
        accounts.create_person(name, ALICE_PASSWORD, TERMINAL)
    assert accounts.check_password(name, ALICE_PASSWORD, "192.0.2.1").id == alice.id


@pytest.mark.parametrize("name", ["\u0410dministrator", "\u0405elf"])
def test_a_name_to_show_does_not_mix_letters_that_look_alike(accounts: Accounts, name: str) -> None:
    with pytest.raises(BadInput, match="several alphabets"):
        accounts.create_person("bob", ALICE_PASSWORD, TERMINAL, display_name=name)


@pytest.mark.parametrize("name", ["José Müller", "Иван Петров", "山田太郎"])
def test_a_name_to_show_may_be_of_any_alphabet(accounts: Accounts, name: str) -> None:
    assert accounts.create_person("bob", ALICE_PASSWORD, TERMINAL, display_name=name).display_name == name


@pytest.mark.parametrize("name", ["Alice", " ALICE", "\uff21\uff4c\uff49\uff43\uff45"])
def test_nobody_calls_themselves_as_somebody_else_is_called(accounts: Accounts, alice: Person, name: str) -> None:
    bob = accounts.create_person("bob", ALICE_PASSWORD, TERMINAL)
    with pytest.raises(BadInput, match="Somebody else is called so"):
        accounts.people.rename(bob, name, 1, TERMINAL)
    accounts.people.rename(bob, "Bob", 1, TERMINAL)
    with pytest.raises(ChangedMeanwhile):
        accounts.people.rename(bob, "Robert", 1, TERMINAL)


@pytest.mark.parametrize("name", ["alice", "nobody"])
def test_whoever_goes_on_guessing_waits_for_longer_and_longer(accounts: Accounts, alice: Person, name: str) -> None:
    waits = []
    for guess, now in enumerate([0] * 6 + [61] * 6 + [1000] * 6):
        with time_machine(now), pytest.raises((SignInRefused, TooManyAttempts)) as told:
            accounts.check_password(name, "wrong", f"192.0.2.{guess}")
        if isinstance(told.value, TooManyAttempts):
            waits.append(told.value.retry_after)
    assert [wait is not None and wait > 0 for wait in waits] == [True] * 3
    assert waits[1] > 60 >= waits[0]


def test_a_right_password_waits_as_well_and_then_everything_is_forgotten(accounts: Accounts, alice: Person) -> None:
    for _ in range(5):
        with pytest.raises(SignInRefused):
            accounts.check_password("alice", "wrong", "192.0.2.1")
    with pytest.raises(TooManyAttempts, match="Wait a minute"):
        accounts.check_password("Alice", ALICE_PASSWORD, "192.0.2.2")
    accounts.lockout.forget("alice")
    assert accounts.check_password("alice", ALICE_PASSWORD, "192.0.2.1")


def test_administrators_may_all_and_technical_agents_all_but_a_few_things(accounts: Accounts, alice: Person) -> None:
    admin = accounts.create_person("root", ALICE_PASSWORD, TERMINAL, role=ADMINISTRATOR)
    assert all(admin.may(permission) for permission in Permission)
    assert {permission for permission in Permission if not alice.may(permission)} == {
        Permission.COMMAND_BECOME,
        Permission.ALERT_SEND,
        Permission.BLACKOUT_EDIT,
        Permission.CALL_ANY_PATH,
        Permission.NODE_EDIT,
        Permission.FILE_MERGE,
        Permission.REPOSITORY_EDIT,
        Permission.PERSON_READ,
        Permission.PERSON_EDIT,
        Permission.ROLE_EDIT,
        Permission.SECURITY_EDIT,
        Permission.PROJECT_EDIT,
    }


def test_the_first_admin_is_made_once_and_the_password_told_once(settings: Settings) -> None:
    settings = replace(settings, admin_password="")
    with ThreadPoolExecutor(8) as pool:
        told = [each for each in pool.map(lambda _: ensure_first_admin(settings), range(8)) if each]
    assert len(told) == 1
    assert len(told[0]) >= 20
    assert told[0] not in everything_in(Database(settings))


def test_the_first_admin_takes_the_password_that_is_set(settings: Settings, accounts: Accounts) -> None:
    assert ensure_first_admin(settings) is None
    assert accounts.check_password("admin", settings.admin_password, "192.0.2.1").is_administrator


def test_a_password_that_is_set_too_short_refuses_the_start(settings: Settings) -> None:
    with pytest.raises(SettingError, match=r"SELFSERVICE_ADMIN_PASSWORD cannot be used\. .* 12 characters"):
        ensure_first_admin(replace(settings, admin_password="short"))


def test_the_database_is_for_its_owner_alone(settings: Settings, database: Database) -> None:
    assert settings.instance.stat().st_mode & 0o077 == 0
