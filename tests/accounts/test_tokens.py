"""Tokens: told once, kept as a hash, revoked for good."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from selfservice.accounts.accounts import Accounts
from selfservice.accounts.errors import NameTaken, TokenNotFound
from selfservice.accounts.models import Person, Token
from selfservice.accounts.people import standing_of
from selfservice.accounts.permissions import Permission, Scope
from selfservice.accounts.roles import Author
from selfservice.accounts.tokens import Terms
from selfservice.audit.actions import Kind
from selfservice.errors import BadInput
from selfservice.store.database import Database
from tests.accounts.conftest import ALICE_PASSWORD, TERMINAL, Remembered
from tests.records import database_url  # noqa: F401


def test_only_the_hash_of_a_token_is_kept(accounts: Accounts, alice: Person, database: Database) -> None:
    _, secret = accounts.tokens.create("nightly", alice, "launch", TERMINAL)
    with database.session() as session:
        row = session.execute(text("SELECT * FROM tokens")).one()
    assert secret not in str(row)
    assert len(secret) >= 43


def test_a_token_opens_until_it_is_revoked(accounts: Accounts, alice: Person) -> None:
    _, secret = accounts.tokens.create("nightly", alice, "launch", TERMINAL)
    found = accounts.tokens.verify(secret)
    assert found is not None
    assert found.name == "alice/nightly"
    assert found.last_used_at is not None
    accounts.tokens.revoke("alice/nightly", TERMINAL)
    assert accounts.tokens.verify(secret) is None


@pytest.mark.parametrize("secret", ["", "ss_", "ss_wrong", "\udcff", "' OR 1=1"])
def test_anything_else_opens_nothing(accounts: Accounts, alice: Person, secret: str) -> None:
    accounts.tokens.create("nightly", alice, "launch", TERMINAL)
    assert accounts.tokens.verify(secret) is None


def test_a_name_is_never_used_twice(accounts: Accounts, alice: Person) -> None:
    accounts.tokens.create("nightly", alice, "launch", TERMINAL)
    accounts.tokens.revoke("alice/nightly", TERMINAL)
    with pytest.raises(NameTaken):
        accounts.tokens.create("nightly", alice, "launch", TERMINAL)


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 65, "bob/nightly"])
def test_a_token_needs_a_name(accounts: Accounts, alice: Person, name: str) -> None:
    with pytest.raises(BadInput, match="needs a name"):
        accounts.tokens.create(name, alice, "launch", TERMINAL)


def test_revoking_what_is_not_there_says_so(accounts: Accounts, alice: Person) -> None:
    with pytest.raises(TokenNotFound, match="no token called alice/nightly"):
        accounts.tokens.revoke("alice/nightly", TERMINAL)


def test_making_a_token_is_recorded_without_its_secret(accounts: Accounts, alice: Person, journal: Remembered) -> None:
    _, secret = accounts.tokens.create("nightly", alice, "launch", TERMINAL)
    assert [(a.kind, a.target) for a in journal.actions[1:]] == [(Kind.TOKEN_CREATE, "token alice/nightly")]
    assert secret not in str(journal.actions)


def test_two_people_may_call_a_token_the_same(accounts: Accounts, alice: Person) -> None:
    bob = accounts.create_person("bob", ALICE_PASSWORD, TERMINAL)
    _, hers = accounts.tokens.create("nightly", alice, "read", TERMINAL)
    _, his = accounts.tokens.create("nightly", bob, "read", TERMINAL)
    accounts.tokens.revoke("bob/nightly", TERMINAL)
    assert accounts.tokens.verify(hers) is not None
    assert accounts.tokens.verify(his) is None


def test_a_token_goes_as_far_as_its_scope_and_never_further_than_its_person(accounts: Accounts, alice: Person) -> None:
    read, launch, administer = (accounts.tokens.create(scope, alice, scope, TERMINAL)[0].permissions for scope in Scope)
    assert read < launch < administer == alice.permissions
    assert not any(permission.endswith((":launch", ":edit", ":cancel", ":send")) for permission in read)
    assert Permission.OPERATION_LAUNCH in launch
    assert Permission.COMMAND_BECOME not in launch
    assert Permission.SCHEDULE_EDIT not in launch


def test_a_token_follows_its_person(accounts: Accounts, alice: Person) -> None:
    root = accounts.create_person("root", ALICE_PASSWORD, TERMINAL, role="administrator")
    author = Author(TERMINAL, root.permissions)
    _, secret = accounts.tokens.create("nightly", alice, "launch", TERMINAL)
    accounts.people.give_role("alice", "viewer", author)
    found = accounts.tokens.verify(secret)
    assert found is not None
    assert not found.may(Permission.OPERATION_LAUNCH)
    changed = accounts.people.get("alice")
    accounts.people.change("alice", replace(standing_of(changed), active=False), changed.version, author)
    assert accounts.tokens.verify(secret) is None


def test_a_token_opens_nothing_after_its_days(accounts: Accounts, alice: Person, database: Database) -> None:
    token, secret = accounts.tokens.create("nightly", alice, "read", TERMINAL, Terms(days=1))
    assert token.expires_at is not None
    assert timedelta(hours=23) < token.expires_at - datetime.now(UTC) <= timedelta(days=1)
    assert accounts.tokens.verify(secret) is not None
    with database.session() as session:
        session.get_one(Token, token.id).expires_at = datetime.now(UTC)
    assert accounts.tokens.verify(secret) is None


@pytest.mark.parametrize(
    ("scope", "days", "field"),
    [("", None, "scope"), ("everything", None, "scope"), ("read", 0, "days"), ("read", 4000, "days")],
)
def test_a_scope_or_time_that_cannot_be_is_refused(
    accounts: Accounts, alice: Person, scope: str, days: int | None, field: str
) -> None:
    with pytest.raises(BadInput) as told:
        accounts.tokens.create("nightly", alice, scope, TERMINAL, Terms(days))
    assert told.value.field == field
