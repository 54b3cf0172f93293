"""Repositories as sources of playbooks: synced to a commit, and the last good one stays in use."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from selfservice.audit.actions import Action, Actor, Kind, Outcome
from selfservice.audit.journal import Journal
from selfservice.errors import ApplicationError, Forbidden, NotFound
from selfservice.files.checkouts import CannotBeUsed, check_out, clean
from selfservice.files.models import RepositoryRecord, SourceRecord, WebhookDelivery
from selfservice.files.paths import checked_branch
from selfservice.files.registry import Registry
from selfservice.files.syntax import MOST_CHECKED, check
from selfservice.settings import Settings
from selfservice.store.database import Database

_CHECKED = (".yml", ".yaml", ".json", ".j2")


class NoSource(NotFound):
    """The repository is not a source of playbooks."""

    title = "No source of playbooks"


class PushRefused(Forbidden):
    """What tells of a push is not signed as agreed, or was told before."""

    problem_type = "push-refused"
    title = "The push is not believed"


class Sources:
    """The sources of one node."""

    def __init__(self, settings: Settings, database: Database, journal: Journal, registry: Registry) -> None:
        """Keep checkouts in instance/sources/."""
        self._folder = settings.instance / "sources"
        self._database = database
        self._journal = journal
        self._registry = registry

    def find(self, record: RepositoryRecord) -> SourceRecord | None:
        """What makes the repository a source, where it is one."""
        with self._database.session() as session:
            return session.scalar(select(SourceRecord).where(SourceRecord.repository_id == record.id))

    def in_use(self) -> list[tuple[RepositoryRecord, SourceRecord, Path]]:
        """Every source that has a good commit, and the folder of that commit."""
        with self._database.session() as session:
            chosen = select(RepositoryRecord, SourceRecord).join(
                SourceRecord, SourceRecord.repository_id == RepositoryRecord.id
            )
            rows = list(session.execute(chosen.where(SourceRecord.commit != "").order_by(RepositoryRecord.name)))
        found = [(record, source, self._of(record) / source.commit) for record, source in rows]
        return [each for each in found if each[2].is_dir()]

    def mark(self, record: RepositoryRecord, branch: str, actor: Actor) -> str:
        """Make it a source, or change its branch; gives a fresh secret for its webhook, shown this once."""
        self._registry.open(record).branch(checked_branch(branch))
        secret = secrets.token_urlsafe(32)
        with self._database.session() as session:
            source = session.scalar(select(SourceRecord).where(SourceRecord.repository_id == record.id))
            if source is None:
                source = SourceRecord(repository_id=record.id)
                session.add(source)
            source.branch, source.sealed_secret = branch, self._registry.seal(secret)
            self._record(Kind.SOURCE_MARK, actor, record, branch=branch)
        return secret

    def unmark(self, record: RepositoryRecord, actor: Actor) -> None:
        """Its operations go; its files stay where they are."""
        with self._database.session() as session:
            source = session.scalar(select(SourceRecord).where(SourceRecord.repository_id == record.id))
            if source is not None:
                self._record(Kind.SOURCE_UNMARK, actor, record, branch=source.branch)
                session.delete(source)

    def sync(self, record: RepositoryRecord, actor: Actor) -> SourceRecord:
        """Use the tip of its branch, unless something is wrong with it. Raises NoSource and what the server says."""
        source = self._source(record)
        opened = self._registry.open(record)
        tip = opened.branch(source.branch).tip
        if tip == source.tried and (source.trouble or (self._of(record) / tip).is_dir()):
            return self._keep(source, synced_at=datetime.now(UTC))
        trouble = ""
        try:
            trouble = _mistakes(check_out(opened, tip, self._of(record)))
        except CannotBeUsed as error:
            trouble = error.sentence
        except ApplicationError as error:
            self._record(Kind.SOURCE_SYNC, actor, record, Outcome.FAILED, branch=source.branch, commit=tip)
            raise error
        outcome = Outcome.REFUSED if trouble else Outcome.OK
        self._record(Kind.SOURCE_SYNC, actor, record, outcome, branch=source.branch, commit=tip, trouble=trouble)
        commit = source.commit if trouble else tip
        kept = self._keep(source, tried=tip, commit=commit, trouble=trouble, synced_at=datetime.now(UTC))
        clean(self._of(record), {commit})
        return kept

    def believe(self, record: RepositoryRecord, body: bytes, signature: str, delivery: str) -> None:
        """Check that a push was signed with the secret, and is told for the first time. Raises PushRefused."""
        source = self._source(record)
        secret = self._registry.unseal(source.sealed_secret)
        wanted = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(wanted.encode(), signature.encode()):
            raise PushRefused("The signature (X-Hub-Signature) does not fit; give the server the same secret.")
        if not delivery or len(delivery) > 64:
            raise PushRefused("The push has no number of its own (X-Request-UUID or X-Request-Id).")
        try:
            with self._database.session() as session:
                session.add(WebhookDelivery(repository_id=record.id, delivery=delivery))
        except IntegrityError as error:
            raise PushRefused("This push was told before.") from error

    def _source(self, record: RepositoryRecord) -> SourceRecord:
        found = self.find(record)
        if found is None:
            raise NoSource(f"{record.title} is not a source of playbooks.")
        return found

    def _keep(self, source: SourceRecord, **values: object) -> SourceRecord:
        with self._database.session() as session:
            found = session.get_one(SourceRecord, source.id)
            for name, value in values.items():
                setattr(found, name, value)
        return found

    def _of(self, record: RepositoryRecord) -> Path:
        return self._folder / str(record.id)

    def _record(
        self, kind: Kind, actor: Actor, record: RepositoryRecord, outcome: Outcome = Outcome.OK, **detail: str
    ) -> None:
        known = {"repository": record.name, **{name: value for name, value in detail.items() if value}}
        self._journal.append(Action(kind, actor, record.title, outcome, detail=known))


def _mistakes(folder: Path) -> str:
    """The first mistake in the files of a commit, in a sentence; empty where there is none."""
    for path in sorted(folder.rglob("*")):
        if path.suffix not in _CHECKED or path.is_symlink() or not path.is_file():
            continue
        if path.stat().st_size <= MOST_CHECKED and (mistake := check(path.name, path.read_bytes())):
            return f"{path.relative_to(folder)}: {mistake}"
    return ""
