"""The repositories that an administrator registered, and the one way to open one of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from selfservice.audit.actions import Action, Actor, Kind, Outcome
from selfservice.audit.journal import Journal
from selfservice.errors import ApplicationError, BadInput, NotFound
from selfservice.files.bitbucket_cloud import BitbucketCloud
from selfservice.files.bitbucket_data_center import BitbucketDataCenter
from selfservice.files.errors import FilesError
from selfservice.files.example import ensure_example
from selfservice.files.git import make_bare
from selfservice.files.git_repository import GitRepository
from selfservice.files.models import RepositoryKind, RepositoryRecord
from selfservice.files.repository import Check, Repository
from selfservice.files.rest import Manners
from selfservice.files.trees import Tree, TreeCache
from selfservice.settings import Settings
from selfservice.store.database import Database
from selfservice.store.sealing import Seal, SealBroken

EXAMPLE = "example"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}\Z")
_FOLDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")
_REMOTE = re.compile(r"~?[\w.-]+/[\w.-]+\Z")
_LONGEST_TITLE = 80


class NoSuchRecord(NotFound):
    """No repository of that name is registered (any more)."""

    title = "No such repository"


class ChangedMeanwhile(FilesError):
    """Somebody else changed the record since this person looked at it."""

    problem_type = "changed-meanwhile"
    title = "Somebody else has changed it"


@dataclass(frozen=True)
class Plan:
    """What an administrator says of a repository; an empty token leaves the one that is kept."""

    name: str
    title: str
    kind: RepositoryKind
    location: str
    address: str = ""
    user: str = ""
    token: str = ""


class Registry:
    """The repositories of one node."""

    def __init__(self, settings: Settings, database: Database, journal: Journal) -> None:
        """Keep them in `database`, their tokens sealed by a key in instance/."""
        self._settings = settings
        self._database = database
        self._journal = journal
        self._folder = settings.instance / "repositories"
        self._trees = TreeCache(settings.instance / "cache" / "files")
        self._seal = Seal(settings.instance / "repository_key")
        self._open: dict[tuple[int, int], Repository] = {}

    def all(self) -> list[RepositoryRecord]:
        """Every repository, by title."""
        with self._database.session() as session:
            return list(session.scalars(select(RepositoryRecord).order_by(RepositoryRecord.title)))

    def get(self, name: str) -> RepositoryRecord:
        """One repository. Raises NoSuchRecord."""
        with self._database.session() as session:
            found = session.scalar(select(RepositoryRecord).where(RepositoryRecord.name == name))
        if found is None:
            raise NoSuchRecord(f"No repository called {name} is registered here (any more).")
        return found

    def by_id(self, repository_id: int) -> RepositoryRecord:
        """One repository. Raises NoSuchRecord."""
        with self._database.session() as session:
            found = session.get(RepositoryRecord, repository_id)
        if found is None:
            raise NoSuchRecord("This repository is not registered here any more.")
        return found

    def open(self, record: RepositoryRecord) -> Repository:
        """The repository behind a record; one connection for as long as the record stays as it is."""
        key = (record.id, record.version)
        if key not in self._open:
            self._open = {known: each for known, each in self._open.items() if known[0] != record.id}
            self._open[key] = self._opened(record)
        return self._open[key]

    def tree(self, record: RepositoryRecord, commit: str) -> Tree:
        """Every file of a commit, asked for once. Raises CommitGone."""
        return self._trees.of(f"{record.id}-{record.version}", self.open(record), commit)

    def create(self, plan: Plan, actor: Actor) -> RepositoryRecord:
        """Register one. Raises BadInput."""
        if not _NAME.match(plan.name):
            raise BadInput("Take up to 63 small letters, digits and dashes, a letter or digit first.", "name")
        record = RepositoryRecord(name=plan.name)
        self._fill(record, plan)
        if record.kind == RepositoryKind.LOCAL and not (self._folder / record.location).exists():
            make_bare(self._folder / record.location)
        try:
            with self._database.session() as session:
                session.add(record)
                session.flush()
                self._record(Kind.REPOSITORY_CREATE, actor, record)
        except IntegrityError as error:
            raise BadInput(f"There is a repository called {plan.name} already.", "name") from error
        return record

    def change(self, name: str, plan: Plan, version: int, actor: Actor) -> RepositoryRecord:
        """Change one; its name stays. Raises BadInput or ChangedMeanwhile."""
        known = self.get(name)
        with self._database.session() as session:
            record = session.get_one(RepositoryRecord, known.id)
            if record.version != version:
                raise ChangedMeanwhile(f"Somebody else has changed {name} since you opened it. Look at it again.")
            self._fill(record, plan)
            record.version += 1
            record.changed_at = datetime.now(UTC)
            self._record(Kind.REPOSITORY_CHANGE, actor, record)
        return record

    def remove(self, name: str, actor: Actor) -> None:
        """Forget one, with its unfinished edits; what is in it stays where it is."""
        known = self.get(name)
        with self._database.session() as session:
            record = session.get_one(RepositoryRecord, known.id)
            self._record(Kind.REPOSITORY_DELETE, actor, record)
            session.delete(record)

    def check(self, name: str, actor: Actor) -> tuple[Check, ...]:
        """What works with its credentials, and what exactly is missing."""
        record = self.get(name)
        try:
            checks = self.open(record).check()
        except ApplicationError as error:
            checks = (Check("Credentials", False, error.sentence),)
        outcome = Outcome.OK if all(check.ok for check in checks) else Outcome.FAILED
        self._record(Kind.REPOSITORY_CHECK, actor, record, outcome)
        return checks

    def ensure_example(self, actor: Actor) -> None:
        """Make and register the example where nothing was ever registered."""
        folder = self._folder / f"{EXAMPLE}.git"
        if folder.exists() or self.all():
            return
        ensure_example(folder)
        self.create(Plan(EXAMPLE, "Example", RepositoryKind.LOCAL, folder.name), actor)

    def _fill(self, record: RepositoryRecord, plan: Plan) -> None:
        title = " ".join(plan.title.split())
        if not title or len(title) > _LONGEST_TITLE:
            raise BadInput(f"Give it a title of at most {_LONGEST_TITLE} characters.", "title")
        if plan.kind is RepositoryKind.LOCAL:
            if not _FOLDER.match(plan.location):
                raise BadInput("Name a folder in instance/repositories/, such as playbooks.git.", "location")
        elif not _REMOTE.match(plan.location):
            raise BadInput("Give it as workspace/repository (Cloud) or PROJECT/repository (Data Center).", "location")
        address = plan.address.strip().rstrip("/")
        if plan.kind is RepositoryKind.DATA_CENTER or (plan.kind is RepositoryKind.CLOUD and address):
            _check_address(address)
        # A token is meant for one server and one repository: it does not follow to another one.
        moved = record.sealed_token and (record.kind, record.address) != (plan.kind, address)
        if plan.kind is not RepositoryKind.LOCAL and not plan.token and (moved or not record.sealed_token):
            raise BadInput("Give the token that this server knows; it is kept encrypted and never shown.", "token")
        record.title, record.kind, record.location = title, plan.kind.value, plan.location
        record.address, record.user = address, plan.user.strip()
        if plan.kind is RepositoryKind.LOCAL:
            record.address, record.user, record.sealed_token = "", "", ""
        elif plan.token:
            record.sealed_token = self.seal(plan.token.strip())

    def _opened(self, record: RepositoryRecord) -> Repository:
        if record.kind == RepositoryKind.LOCAL:
            return GitRepository(self._folder / record.location)
        token, manners = self.unseal(record.sealed_token), Manners(trusted=self._settings.ca_file or True)
        if record.kind == RepositoryKind.CLOUD:
            return BitbucketCloud(record.location, record.user, token, record.address, manners)
        return BitbucketDataCenter(record.address, record.location, token, manners)

    def seal(self, secret: str) -> str:
        """A secret as it may lie on disk."""
        return self._seal.seal(secret)

    def unseal(self, sealed: str) -> str:
        """The secret again. Raises FilesError where the key is not the one that sealed it."""
        try:
            return self._seal.unseal(sealed)
        except SealBroken as error:
            raise FilesError(
                "The secret of this repository cannot be read: the key in instance/ is another one. Give it again."
            ) from error

    def _record(self, kind: Kind, actor: Actor, record: RepositoryRecord, outcome: Outcome = Outcome.OK) -> None:
        detail = {"repository": record.name, "kind": record.kind, "location": record.location}
        self._journal.append(Action(kind, actor, record.title, outcome, detail=detail))


def _check_address(address: str) -> None:
    parts = urlsplit(address)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise BadInput("Give the server's address, such as https://bitbucket.example.org.", "address")
    if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise BadInput("Over http the token could be read on its way; give an https address.", "address")
