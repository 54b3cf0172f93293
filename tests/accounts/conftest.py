"""Accounts without a web around them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

import pytest

from selfservice.accounts.accounts import Accounts
from selfservice.accounts.models import Person
from selfservice.audit.actions import Action, Actor
from selfservice.audit.journal import Journal
from selfservice.settings import Settings
from selfservice.store.database import Database

TERMINAL = Actor("alice", "terminal", "local")
ALICE_PASSWORD = "alice likes long words"


@dataclass
class Remembered:
    """A journal in memory."""

    actions: list[Action] = field(default_factory=list)
    broken: bool = False

    def append(self, action: Action) -> None:
        if self.broken:
            raise OSError("disk full")
        self.actions.append(action)


@pytest.fixture
def journal() -> Remembered:
    return Remembered()


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    made = Database(settings)
    yield made
    made.close()


@pytest.fixture
def accounts(database: Database, journal: Remembered) -> Accounts:
    return Accounts(database, cast(Journal, journal))


@pytest.fixture
def alice(accounts: Accounts) -> Person:
    return accounts.create_person("alice", ALICE_PASSWORD, TERMINAL, display_name="Alice")
