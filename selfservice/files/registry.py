"""The repositories that an administrator registered, and the one way to open one of them."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from selfservice.accounts.permissions import Permission
from selfservice.audit.actions import Action, Actor, Kind, Outcome
from selfservice.audit.journal import Journal
from selfservice.errors import ApplicationError, BadInput, ChangedMeanwhile, Forbidden, NotFound
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
from selfservice.scope import EVERYTHING, Scope, Sight, sees
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
        self._sight: Sight = EVERYTHING

    def seen_by(self, sight: Sight) -> Registry:
        """The same for somebody: a repository that they do not see is not there."""
        bound = copy.copy(self)
        bound._sight = sight
        return bound

    def may(self, permission: Permission, record: RepositoryRecord) -> bool:
        """Whether this may be done with the repository."""
        return self._sight.may(permission, Scope(repository=record.name))

    def editable(self, name: str) -> RepositoryRecord:
        """One repository, for whoever looks after it. Raises NoSuchRecord, Forbidden."""
        found = self.get(name)
        self.require(Permission.REPOSITORY_EDIT, found)
        return found

    def require(self, permission: Permission, record: RepositoryRecord) -> None:
        """Raise Forbidden where this may not be done with the repository."""
        if not self.may(permission, record):
            raise Forbidden(f"You may look at {record.title}, and not do this: it needs more access to its project.")

    def all(self) -> list[RepositoryRecord]:
        """Every repository, by title."""
        with self._database.session() as session:
            found = session.scalars(select(RepositoryRecord).order_by(RepositoryRecord.title))
            return [each for each in found if self._sees(each)]

    def get(self, name: str) -> RepositoryRecord:
        """One repository. Raises NoSuchRecord."""
        with self._database.session() as session:
            found = session.scalar(select(RepositoryRecord).where(RepositoryRecord.name == name))
        if found is None or not self._sees(found):
            raise NoSuchRecord(f"No repository called {name} is registered here (any more).")
        return found

    def by_id(self, repository_id: int) -> RepositoryRecord:
        """One repository. Raises NoSuchRecord."""
        with self._database.session() as session:
            found = session.get(RepositoryRecord, repository_id)
        if found is None or not self._sees(found):
            raise NoSuchRecord("This repository is not registered here any more.")
        return found

    def open(self, record: RepositoryRecord) -> Repository:
        """The repository behind a record; one connection for as long as the record stays as it is."""
        key = (record.id, record.version)
        if key not in self._open:
            for known in [each for each in list(self._open) if each[0] == record.id]:
                self._open.pop(known, None)
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
        known = self.editable(name)
        with self._database.session() as session:
            record = session.get_one(RepositoryRecord, known.id)
            if record.version != version:
                said = ("title", "kind", "location", "address", "user")
                now, wanted = ({each: getattr(of, each) for each in said} for of in (record, plan))
                raise ChangedMeanwhile.since(record.title, now, wanted)
            self._fill(record, plan)
            record.version += 1
            record.changed_at = datetime.now(UTC)
            self._record(Kind.REPOSITORY_CHANGE, actor, record)
        return record

    def remove(self, name: str, actor: Actor) -> None:
        """Forget one, with its unfinished edits; what is in it stays where it is."""
        known = self.editable(name)
        with self._database.session() as session:
            record = session.get_one(RepositoryRecord, known.id)
            self._record(Kind.REPOSITORY_DELETE, actor, record)
            session.delete(record)

    def check(self, name: str, actor: Actor) -> tuple[Check, ...]:
        """What works with its credentials, and what exactly is missing."""
        record = self.editable(name)
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

    def _sees(self, record: RepositoryRecord) -> bool:
        return sees(self._sight, Scope(repository=record.name))

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
