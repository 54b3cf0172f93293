"""What is decided about people, and that somebody who may decide it always stays."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from selfservice.accounts.accounts import Accounts
from selfservice.accounts.builtin_roles import ADMINISTRATOR, TECHNICAL_AGENT, VIEWER
from selfservice.accounts.errors import AccountNotFound, LastAdministrator, RoleNotFound, SignInRefused
from selfservice.accounts.models import Person
from selfservice.accounts.people import People, Standing, standing_of
from selfservice.accounts.permissions import Permission
from selfservice.accounts.roles import Author
from selfservice.audit.actions import Kind
from selfservice.errors import ApplicationError, BadInput, ChangedMeanwhile, Forbidden
from tests.accounts.conftest import ALICE_PASSWORD, TERMINAL, Remembered
from tests.records import database_url  # noqa: F401

ROOT = Author(TERMINAL, frozenset(Permission))


@pytest.fixture
def people(accounts: Accounts) -> People:
    return accounts.people


@pytest.fixture
def root(accounts: Accounts) -> Person:
    return accounts.create_person("root", ALICE_PASSWORD, TERMINAL, role=ADMINISTRATOR)


def test_another_role_ends_the_sessions_of_a_person(
    accounts: Accounts, people: People, root: Person, alice: Person
) -> None:
    session = accounts.sessions.begin(alice, "password", "192.0.2.1", "")
    changed = people.change("alice", replace(standing_of(alice), role=VIEWER), alice.version, ROOT)
    assert changed.role.name == VIEWER
    assert accounts.sessions.person_of(session) is None
    assert accounts.sessions.of(changed) == []


def test_another_name_to_show_ends_no_session(accounts: Accounts, people: People, root: Person, alice: Person) -> None:
    session = accounts.sessions.begin(alice, "password", "192.0.2.1", "")
    people.change("alice", replace(standing_of(alice), display_name="Alice B.", is_manager=True), 1, ROOT)
    seen = accounts.sessions.person_of(session)
    assert seen is not None
    assert (seen.display_name, seen.is_manager) == ("Alice B.", True)


def test_somebody_out_of_use_and_back_again_has_to_sign_in(
    accounts: Accounts, people: People, root: Person, alice: Person
) -> None:
    session = accounts.sessions.begin(alice, "password", "192.0.2.1", "")
    people.change("alice", replace(standing_of(alice), active=False), 1, ROOT)
    with pytest.raises(SignInRefused):
        accounts.check_password("alice", ALICE_PASSWORD, "192.0.2.1")
    people.change("alice", standing_of(alice), 2, ROOT)
    assert accounts.sessions.person_of(session) is None
    assert accounts.check_password("alice", ALICE_PASSWORD, "192.0.2.1").may(Permission.RUN_READ)


@pytest.mark.parametrize("change", [{"role": VIEWER}, {"active": False}])
def test_the_last_administrator_stays(people: People, root: Person, alice: Person, change: dict[str, object]) -> None:
    with pytest.raises(LastAdministrator, match="make somebody else administrator first"):
        people.change("root", replace(standing_of(root), **change), 1, ROOT)  # type: ignore[arg-type]
    assert standing_of(people.get("root")) == standing_of(root)
    people.give_role("alice", ADMINISTRATOR, ROOT)
    people.change("root", replace(standing_of(root), **change), 1, ROOT)  # type: ignore[arg-type]


def test_an_administrator_out_of_use_does_not_count(people: People, root: Person, alice: Person) -> None:
    people.give_role("alice", ADMINISTRATOR, ROOT)
    alice = people.get("alice")
    people.change("alice", replace(standing_of(alice), active=False), alice.version, ROOT)
    with pytest.raises(LastAdministrator):
        people.give_role("root", VIEWER, ROOT)


def test_administrators_who_demote_one_another_at_once_leave_one(
    people: People, root: Person, accounts: Accounts
) -> None:
    names = ["root", *(f"admin{number}" for number in range(3))]
    for name in names[1:]:
        accounts.create_person(name, ALICE_PASSWORD, TERMINAL, role=ADMINISTRATOR)

    def demote(name: str) -> bool:
        try:
            people.give_role(name, VIEWER, ROOT)
        except LastAdministrator:
            return False
        return True

    with ThreadPoolExecutor(len(names)) as pool:
        done = list(pool.map(demote, names))
    assert sorted(done) == [False, True, True, True]
    assert [person.is_administrator for person in people.all()].count(True) == 1


def test_the_second_of_two_who_change_a_person_is_told(people: People, root: Person, alice: Person) -> None:
    people.change("alice", replace(standing_of(alice), role=VIEWER), alice.version, ROOT)
    with pytest.raises(ChangedMeanwhile, match=r"Somebody else has changed alice .* Now: Alice, Viewer\."):
        people.change("alice", replace(standing_of(alice), active=False), alice.version, ROOT)
    assert people.get("alice").active


def test_nobody_gives_or_takes_a_role_that_may_more_than_they_may(people: People, root: Person, alice: Person) -> None:
    helper = Author(TERMINAL, people.get("alice").permissions | {Permission.PERSON_EDIT})
    with pytest.raises(Forbidden, match="cannot make alice Administrator"):
        people.give_role("alice", ADMINISTRATOR, helper)
    with pytest.raises(Forbidden, match="cannot change root"):
        people.give_role("root", TECHNICAL_AGENT, helper)
    people.give_role("alice", VIEWER, helper)
    assert people.get("alice").role.name == VIEWER


@pytest.mark.parametrize("shown", ["", "   ", "x" * 121, "two\nlines", "\u202eflipped"])
def test_a_name_that_cannot_be_shown_is_refused(
    accounts: Accounts, people: People, root: Person, alice: Person, shown: str
) -> None:
    with pytest.raises(BadInput, match="name to show") as told:
        people.change("alice", replace(standing_of(alice), display_name=shown), 1, ROOT)
    assert told.value.field == "display_name"


def test_who_or_what_does_not_exist_is_said(people: People, root: Person, alice: Person) -> None:
    with pytest.raises(AccountNotFound, match="no account called nobody"):
        people.give_role("nobody", VIEWER, ROOT)
    with pytest.raises(RoleNotFound, match="no role called 'nothing'"):
        people.give_role("alice", "nothing", ROOT)


def test_changes_are_recorded_with_what_was_before(
    people: People, root: Person, alice: Person, journal: Remembered
) -> None:
    people.change("alice", Standing("Alice", VIEWER, is_manager=True, active=True), 1, ROOT)
    last = journal.actions[-1]
    assert (last.kind, last.target) == (Kind.ACCOUNT_CHANGE, "alice")
    assert last.detail == {"role": "technical-agent → viewer", "is_manager": "no → yes"}


def test_what_the_audit_cannot_keep_does_not_happen(
    people: People, root: Person, alice: Person, journal: Remembered
) -> None:
    journal.broken = True
    with pytest.raises((OSError, ApplicationError), match="disk full"):
        people.give_role("alice", ADMINISTRATOR, ROOT)
    assert people.get("alice").role.name == TECHNICAL_AGENT
