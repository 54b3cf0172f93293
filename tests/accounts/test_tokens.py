"""Tokens: told once, kept as a hash, revoked for good."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from selfservice.accounts.accounts import Accounts
from selfservice.accounts.errors import NameTaken, TokenNotFound
from selfservice.audit.actions import Kind
from selfservice.errors import BadInput
from selfservice.store.database import Database
from tests.accounts.conftest import TERMINAL, Remembered
from tests.records import database_url  # noqa: F401


def test_only_the_hash_of_a_token_is_kept(accounts: Accounts, database: Database) -> None:
    _, secret = accounts.tokens.create("nightly", TERMINAL)
    with database.session() as session:
        row = session.execute(text("SELECT * FROM tokens")).one()
    assert secret not in str(row)
    assert len(secret) >= 43


def test_a_token_opens_until_it_is_revoked(accounts: Accounts) -> None:
    _, secret = accounts.tokens.create("nightly", TERMINAL)
    found = accounts.tokens.verify(secret)
    assert found is not None
    assert found.name == "nightly"
    assert found.last_used_at is not None
    accounts.tokens.revoke("nightly", TERMINAL)
    assert accounts.tokens.verify(secret) is None


@pytest.mark.parametrize("secret", ["", "ss_", "ss_wrong", "\udcff", "' OR 1=1"])
def test_anything_else_opens_nothing(accounts: Accounts, secret: str) -> None:
    accounts.tokens.create("nightly", TERMINAL)
    assert accounts.tokens.verify(secret) is None


def test_a_name_is_never_used_twice(accounts: Accounts) -> None:
    accounts.tokens.create("nightly", TERMINAL)
    accounts.tokens.revoke("nightly", TERMINAL)
    with pytest.raises(NameTaken):
        accounts.tokens.create("nightly", TERMINAL)


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 65])
def test_a_token_needs_a_name(accounts: Accounts, name: str) -> None:
    with pytest.raises(BadInput, match="needs a name"):
        accounts.tokens.create(name, TERMINAL)


def test_revoking_what_is_not_there_says_so(accounts: Accounts) -> None:
    with pytest.raises(TokenNotFound, match="no token called nightly"):
        accounts.tokens.revoke("nightly", TERMINAL)


def test_making_a_token_is_recorded_without_its_secret(accounts: Accounts, journal: Remembered) -> None:
    _, secret = accounts.tokens.create("nightly", TERMINAL)
    assert [(a.kind, a.target) for a in journal.actions] == [(Kind.TOKEN_CREATE, "token nightly")]
    assert secret not in str(journal.actions)
