"""Schedules on a node in a temporary folder, and a clock that the test sets."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import pytest
from sqlalchemy import update

from selfservice.accounts.accounts import Accounts
from selfservice.audit.actions import Actor
from selfservice.audit.journal import Journal
from selfservice.commands.commands import Commands
from selfservice.nodes.inventory import Inventory
from selfservice.operations.operations import Operations
from selfservice.runs.listing import RunQuery, RunRow
from selfservice.runs.run import State, Status
from selfservice.runs.runs import Runs
from selfservice.schedules.blackouts import Blackouts
from selfservice.schedules.launcher import Launcher
from selfservice.schedules.models import Firing, Schedule
from selfservice.schedules.schedules import Plan, Schedules
from selfservice.schedules.ticker import Ticker
from selfservice.schedules.times import Every, Timing
from selfservice.settings import Settings
from selfservice.store.database import Database
from tests.operations.conftest import playbooks, settings  # noqa: F401  # the same operations

ALICE = Actor("alice", "session", "192.0.2.7")
HOURLY = Timing(Every.CRON, "UTC", cron="0 * * * *")


@dataclass
class Clockwork:
    """Everything that schedules need, and what came of them."""

    settings: Settings
    held: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Open the database."""
        self.database = Database(self.settings)
        self.journal = Journal(self.settings.audit, "master")
        self.runs = Runs(self.settings, self.journal)
        self.blackouts = Blackouts(self.database, self.journal)
        self.accounts = Accounts(self.database, self.journal)
        inventory = Inventory(self.settings.inventory)
        commands = Commands(inventory, self.runs, 60)
        self.launcher = Launcher(self.accounts, Operations(self.settings, inventory, self.runs), commands)
        self.schedules = Schedules(self.database, self.journal, self.launcher)

    @property
    def ticker(self) -> Ticker:
        """A fresh one, as after a restart."""

        def held(schedule: Schedule, _due: datetime, reason: str) -> None:
            self.held.append((schedule.title, reason))

        return Ticker(self.database, self.launcher, self.runs, self.blackouts, held)

    def add(self, plan: Plan, due: datetime) -> int:
        """A schedule whose next time is `due`."""
        schedule_id = self.schedules.create(plan, ALICE)
        with self.database.session() as session:
            session.execute(
                update(Schedule).where(Schedule.id == schedule_id).values(next_due_at=due, next_fire_at=due)
            )
        return schedule_id

    def launched(self) -> list[RunRow]:
        """The runs there are, oldest first."""
        return list(reversed(self.runs.list(RunQuery()).runs))

    def end_all(self) -> None:
        """Every run ends well."""
        for row in self.launched():
            self.runs.folder(row.id).write_status(Status(State.SUCCESSFUL))

    def outcomes(self, schedule_id: int) -> list[tuple[str, str]]:
        """What came of its times, oldest first."""
        found: list[Firing] = list(reversed(self.schedules.firings(schedule_id)))
        return [(firing.outcome, firing.reason) for firing in found]


@pytest.fixture
def clockwork(settings: Settings) -> Clockwork:  # noqa: F811
    made = Clockwork(settings)
    made.accounts.create_person("alice", "correct horse battery", Actor("root", "terminal", "local"))
    return made
