"""Operations that need approval, and the cast: alice asks, bob and carol approve, charlie is an outsider."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from selfservice.accounts.accounts import Accounts
from selfservice.accounts.models import Person
from selfservice.approvals.approvals import Approvals
from selfservice.approvals.desk import Desk
from selfservice.approvals.keeping_time import KeepingTime
from selfservice.approvals.models import Request
from selfservice.approvals.subjects import Wish
from selfservice.audit.actions import Actor
from selfservice.audit.journal import Journal
from selfservice.commands.commands import Commands
from selfservice.nodes.inventory import Inventory
from selfservice.operations.operations import Operations, Order
from selfservice.runs.listing import RunQuery
from selfservice.runs.run import Run, State, Status
from selfservice.runs.runs import Runs
from selfservice.scope import EVERYTHING
from selfservice.settings import Settings
from selfservice.store.database import Database
from tests.operations.conftest import settings, sign_in_as, signed_in_api  # noqa: F401  # the same ways in
from tests.operations.playbooks import Playbooks

ROOT = Actor("root", "terminal", "local")
NOTE = """
path: {type: path, required: true, description: The file.}
text: {type: str, default: Hello.}
password: {type: str, no_log: true}
"""
TASKS = '- ansible.builtin.copy: {content: "{{ text }}\\n", dest: "{{ path }}", mode: "0600"}'
TWO_STEPS = """
approval:
  expires_hours: 48
  remind_hours: 5
  steps:
    - {title: Team lead, people: [bob]}
    - {title: Security, roles: [administrator], people: [carol]}
"""


@pytest.fixture
def playbooks(tmp_path: Path) -> Playbooks:
    made = Playbooks(tmp_path / "playbooks")
    made.operation("write_note", NOTE, "title: Write a note\napproval: true\n", TASKS)
    made.operation("two_steps", NOTE, f"title: Two steps\nsame_running: refuse\n{TWO_STEPS}", TASKS)
    made.operation("blind", "", "title: Blind\napproval: true\npreview: false\n")
    made.operation("no_approval", NOTE, "title: No approval\n", TASKS)
    return made


@dataclass
class Told:
    """What people were told, instead of alerts."""

    said: list[tuple[Any, ...]] = field(default_factory=list)

    def waiting(self, request: Request, deciders: list[str], reminder: int) -> None:
        self.said.append(("waiting", request.id, tuple(deciders), reminder))

    def decided(self, request: Request) -> None:
        self.said.append(("decided", request.id, request.state))


@dataclass
class Office:
    """Everything that requests need, and the people of the play."""

    settings: Settings
    playbooks: Playbooks
    told: Told = field(default_factory=Told)

    def __post_init__(self) -> None:
        self.database = Database(self.settings)
        self.journal = Journal(self.settings.audit, "master")
        self.runs = Runs(self.settings, self.journal)
        self.accounts = Accounts(self.database, self.journal)
        self.inventory = Inventory(self.settings.inventory)
        self.operations = Operations(self.settings, self.inventory, self.runs)
        self.desk = Desk(
            self.settings,
            self.database,
            self.journal,
            self.accounts,
            self.operations,
            Commands(self.inventory, self.runs, 60),
            self.inventory,
            self.runs,
            lambda _person: EVERYTHING,
        )

    @property
    def approvals(self) -> Approvals:
        """Fresh ones, as after a restart."""
        return Approvals(self.desk)

    @property
    def time(self) -> KeepingTime:
        return self.approvals.keeping_time(self.told)

    def person(self, name: str) -> Person:
        return self.accounts.people.get(name)

    def actor(self, name: str) -> Actor:
        return Actor(name, "session", "192.0.2.7")

    def ask(self, operation: str = "write_note", name: str = "alice", key: str = "", **variables: Any) -> Request:
        order = Order(operation, "master", {"path": "/tmp/note", **variables}, key=key)
        return self.approvals.asking.ask(order, self.actor(name), self.person(name))

    def get(self, request_id: int) -> Request:
        return self.approvals.reading.get(request_id, self.person("admin"))

    def end_preview(self, request_id: int) -> None:
        """The preview of the present revision ends well."""
        preview = self.get(request_id).present.preview
        assert preview is not None
        self.runs.folder(preview).write_status(Status(State.SUCCESSFUL))

    def approve(self, request_id: int, name: str, revision: int = 0) -> Request:
        shown = revision or self.get(request_id).revision
        return self.approvals.deciding.approve(request_id, shown, "Fine.", self.actor(name), self.person(name))

    def reject(self, request_id: int, name: str, comment: str = "No.") -> Request:
        shown = self.get(request_id).revision
        return self.approvals.deciding.reject(request_id, shown, comment, self.actor(name), self.person(name))

    def change(self, request_id: int, name: str, **variables: Any) -> Request:
        shown = self.get(request_id).revision
        values = {"path": "/tmp/note", **variables}
        wish = Wish(shown, "master", values)
        return self.approvals.asking.change(request_id, wish, self.actor(name), self.person(name))

    def launched(self) -> list[Run]:
        """The runs there are but previews, oldest first."""
        runs = [self.runs.get(row.id)[0] for row in self.runs.list(RunQuery()).runs]
        return [run for run in reversed(runs) if not run.request.check]


@pytest.fixture
def office(settings: Settings, playbooks: Playbooks) -> Office:  # noqa: F811
    made = Office(settings, playbooks)
    for name, role in (("alice", "technical-agent"), ("bob", "technical-agent"), ("charlie", "viewer"),
                       ("carol", "technical-agent"), ("admin", "administrator")):  # fmt: skip
        made.accounts.create_person(name, "correct horse battery", ROOT, role=role)
    return made
