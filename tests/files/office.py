"""A node with a registered repository, and the people who edit it."""

from __future__ import annotations

import json
from dataclasses import dataclass

from selfservice.audit.actions import Actor
from selfservice.audit.journal import Entry, Journal, day_files
from selfservice.files.delivery import Delivery, person_of
from selfservice.files.edits import Edits
from selfservice.files.git import Git
from selfservice.files.models import Edit
from selfservice.files.registry import Registry
from selfservice.files.repository import Repository, content
from selfservice.settings import Settings
from selfservice.store.database import Database

ALICE = Actor("alice", "session", "192.0.2.7")
BOB = Actor("bob", "session", "192.0.2.8")
CHARLIE = Actor("charlie", "session", "192.0.2.9")


@dataclass
class Office:
    """The services of files, put together as the application does."""

    settings: Settings
    git: Git
    kind: str = "local"
    name: str = "playbooks"

    def __post_init__(self) -> None:
        self.open()

    def open(self) -> None:
        """As after a restart."""
        self.database = Database(self.settings)
        self.journal = Journal(self.settings.audit, "master")
        self.registry = Registry(self.settings, self.database, self.journal)
        self.edits = Edits(self.database, self.journal, self.registry)
        self.delivery = Delivery(self.edits, self.registry)

    @property
    def repository(self) -> Repository:
        return self.registry.open(self.registry.get(self.name))

    def read(self, path: str, branch: str = "main") -> bytes:
        """A file at the tip of a branch."""
        return content(self.repository, self.repository.branch(branch).tip, path, 1_000_000)

    def begin(self, actor: Actor, path: str = "site.yml") -> Edit:
        """An edit of a file."""
        return self.edits.start(self.name, "main", actor, path)

    def commit(self, edit: Edit, actor: Actor, message: str = "Change") -> str:
        """Commit what is drafted."""
        return self.delivery.commit(self.edits.get(edit.id, actor), message, actor, person_of(actor), may_merge=True)

    def merge(self, edit: Edit, actor: Actor) -> None:
        """Bring it back."""
        self.delivery.merge(self.edits.get(edit.id, actor), actor, person_of(actor))

    def change(self, actor: Actor, path: str, written: bytes) -> None:
        """From the file to the merged change."""
        edit = self.begin(actor, path)
        self.edits.keep(edit, path, written)
        self.commit(edit, actor)
        self.merge(edit, actor)

    def actions(self) -> list[Entry]:
        """What the journal holds."""
        lines = [line for path in day_files(self.settings.audit) for line in path.read_text().splitlines()]
        return [Entry.from_json(json.loads(line)) for line in lines]
