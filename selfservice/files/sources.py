"""Repositories as sources of playbooks and hosts: synced to a commit, and the last good one stays in use."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import ColumnElement, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import InstrumentedAttribute

from selfservice.audit.actions import Action, Actor, Kind, Outcome
from selfservice.audit.journal import Journal
from selfservice.errors import ApplicationError, BadInput, Forbidden, NotFound
from selfservice.files.checkouts import CannotBeUsed, check_out, clean
from selfservice.files.inventories import group_of, inventory_file, make_inventory
from selfservice.files.models import RepositoryRecord, SourceRecord, WebhookDelivery
from selfservice.files.paths import checked, checked_branch
from selfservice.files.registry import Registry
from selfservice.files.syntax import MOST_CHECKED, check
from selfservice.nodes.inventory import Inventory, SourcedInventory
from selfservice.settings import Settings
from selfservice.store.database import Database

_CHECKED = (".yml", ".yaml", ".json", ".j2")


class NoSource(NotFound):
    """The repository is not a source."""

    title = "No source"


class PushRefused(Forbidden):
    """What tells of a push is not signed as agreed, or was told before."""

    problem_type = "push-refused"
    title = "The push is not believed"


@dataclass(frozen=True)
class Use:
    """What of a repository is used: its playbooks, its hosts, or both."""

    branch: str
    playbooks: bool = True
    #: The file or folder that holds its hosts; empty for none.
    inventory: str = ""


class Sources:
    """The sources of one node."""

    def __init__(self, settings: Settings, database: Database, journal: Journal, registry: Registry) -> None:
        """Keep checkouts in instance/sources/."""
        self._folder = settings.instance / "sources"
        self._own_inventory = settings.inventory
        self._database = database
        self._journal = journal
        self._registry = registry

    def find(self, record: RepositoryRecord) -> SourceRecord | None:
        """What makes the repository a source, where it is one."""
        with self._database.session() as session:
            return session.scalar(select(SourceRecord).where(SourceRecord.repository_id == record.id))

    def in_use(self) -> list[tuple[RepositoryRecord, SourceRecord, Path]]:
        """Every source of playbooks that has a good commit, and the folder of that commit."""
        rows = self._marked(SourceRecord.playbooks, SourceRecord.commit != "")
        found = [(record, source, self._of(record) / source.commit) for record, source in rows]
        return [each for each in found if each[2].is_dir()]

    def inventories(self) -> list[SourcedInventory]:
        """The hosts of every source of hosts that has a good commit, by the name of the repository."""
        found = [
            SourcedInventory(record.name, group_of(record.name), source.commit, self._hosts_of(record, source))
            for record, source in self._marked(SourceRecord.inventory != "", SourceRecord.commit != "")
        ]
        return [each for each in found if each.path.is_file()]

    def troubles(self) -> list[tuple[RepositoryRecord, SourceRecord]]:
        """Every source of hosts whose latest commit is not the one in use."""
        return self._marked(SourceRecord.inventory != "", SourceRecord.trouble != "")

    def mark(self, record: RepositoryRecord, use: Use, actor: Actor) -> str:
        """Make it a source, or change how it is used.

        Gives the secret of its webhook, shown this once, where it was none; else nothing. Raises BadInput.
        """
        inventory = use.inventory.strip().strip("/")
        if inventory:
            checked(inventory, "inventory")
        if not inventory and not use.playbooks:
            raise BadInput("Choose its playbooks, name its inventory, or both.", "inventory")
        self._registry.open(record).branch(checked_branch(use.branch))
        secret = ""
        with self._database.session() as session:
            source = session.scalar(select(SourceRecord).where(SourceRecord.repository_id == record.id))
            if source is None:
                secret = secrets.token_urlsafe(32)
                source = SourceRecord(repository_id=record.id, sealed_secret=self._registry.seal(secret))
                session.add(source)
            changed = (source.branch, source.inventory) != (use.branch, inventory)
            source.branch, source.playbooks, source.inventory = use.branch, use.playbooks, inventory
            if changed:
                source.tried = source.trouble = ""
            gives = " and ".join([*(["playbooks"] if use.playbooks else []), *([inventory] if inventory else [])])
            self._record(Kind.SOURCE_MARK, actor, record, branch=use.branch, gives=gives)
        return secret

    def new_secret(self, record: RepositoryRecord, actor: Actor) -> str:
        """Another secret for its webhook, shown this once. Raises NoSource."""
        source, secret = self._source(record), secrets.token_urlsafe(32)
        self._keep(source, sealed_secret=self._registry.seal(secret))
        self._record(Kind.SOURCE_MARK, actor, record, branch=source.branch, webhook="new secret")
        return secret

    def unmark(self, record: RepositoryRecord, actor: Actor) -> None:
        """Its operations and hosts go; its files stay where they are."""
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
        if tip == source.tried and self._is_settled(record, source):
            return self._keep(source, synced_at=datetime.now(UTC))
        trouble = ""
        try:
            checkout = check_out(opened, tip, self._of(record))
            trouble = _mistakes(checkout) or self._wrong_with_hosts(record, source, tip, checkout)
        except CannotBeUsed as error:
            trouble = error.sentence
        except ApplicationError as error:
            self._record(Kind.SOURCE_SYNC, actor, record, Outcome.FAILED, branch=source.branch, commit=tip)
            raise error
        outcome = Outcome.REFUSED if trouble else Outcome.OK
        if (tip, trouble) != (source.tried, source.trouble):
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
            raise NoSource(f"{record.title} is not a source.")
        return found

    def _marked(
        self, *which: ColumnElement[bool] | InstrumentedAttribute[bool]
    ) -> list[tuple[RepositoryRecord, SourceRecord]]:
        chosen = select(RepositoryRecord, SourceRecord).join(
            SourceRecord, SourceRecord.repository_id == RepositoryRecord.id
        )
        with self._database.session() as session:
            return [(row[0], row[1]) for row in session.execute(chosen.where(*which).order_by(RepositoryRecord.name))]

    def _wrong_with_hosts(self, record: RepositoryRecord, source: SourceRecord, commit: str, checkout: Path) -> str:
        """Why the hosts of a commit cannot stand beside the others; empty where they can, or there are none."""
        if not source.inventory:
            return ""
        made = inventory_file(self._of(record), commit, source.inventory)
        make_inventory(checkout, source.inventory, record.name, made)
        others = Inventory(
            self._own_inventory, lambda: [each for each in self.inventories() if each.repository != record.name]
        )
        return others.refusal(SourcedInventory(record.name, group_of(record.name), commit, made))

    def _is_settled(self, record: RepositoryRecord, source: SourceRecord) -> bool:
        """Whether looking at the same commit once more would find nothing new."""
        if source.trouble:
            return not source.inventory  # other hosts of this node may have stood in the way
        is_there = (self._of(record) / source.tried).is_dir()
        return is_there and (not source.inventory or self._hosts_of(record, source).is_file())

    def _hosts_of(self, record: RepositoryRecord, source: SourceRecord) -> Path:
        return inventory_file(self._of(record), source.commit, source.inventory)

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
