"""The targets of people and projects: added, changed, tested, removed."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, available_timezones

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import Session

from selfservice.audit.actions import Action, Actor, Kind
from selfservice.audit.journal import Journal
from selfservice.errors import BadInput, NotFound
from selfservice.notifications.events import EventKind
from selfservice.notifications.models import Delivery, Target
from selfservice.notifications.postbox import Postbox
from selfservice.notifications.sealing import sealing
from selfservice.settings import Settings
from selfservice.store.database import Database

_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d\Z")
LONGEST_ADDRESS = 2000
MOST_TARGETS = 20
DIGESTS = (0, 60, 300, 900, 3600)


class TargetNotFound(NotFound):
    """There is no such target, or it is somebody else's."""

    title = "No such target"


@dataclass(frozen=True)
class Owner:
    """Whose targets: those of a person, or of a project, by name."""

    person: str = ""
    project: str = ""


@dataclass(frozen=True)
class Rules:
    """What a target is told, and when."""

    title: str
    events: Collection[str]
    only_mine: bool = True
    digest_seconds: int = 60
    quiet_from: str = ""
    quiet_until: str = ""
    zone: str = "UTC"


class Targets:
    """The targets of one node. Whoever asks for those of a project has to be one of its admins."""

    def __init__(self, settings: Settings, database: Database, journal: Journal) -> None:
        """Keep them in `database`, sealed with a key of this node."""
        self._settings = settings
        self._database = database
        self._journal = journal
        self._postbox = Postbox(settings)

    def of(self, owner: Owner) -> list[Target]:
        """Their targets."""
        with self._database.session() as session:
            return list(session.scalars(select(Target).where(_of(owner)).order_by(Target.id)))

    def of_project(self, project: str) -> list[Target]:
        """The targets of a project."""
        return self.of(Owner(project=project))

    def get(self, target_id: int, owner: Owner) -> Target:
        """One of them. Raises TargetNotFound."""
        with self._database.session() as session:
            found = session.scalar(select(Target).where(_is(target_id, owner)))
        if found is None:
            raise TargetNotFound("There is no such target of yours (any more).")
        return found

    def add(self, url: str, rules: Rules, actor: Actor, owner: Owner) -> int:
        """A new target; its id. Raises BadInput naming the field, Unavailable."""
        _check(rules)
        if len(self.of(owner)) >= MOST_TARGETS:
            raise BadInput(f"There are {MOST_TARGETS} targets; remove one first.", "url")
        url = _checked(url)
        looked = self._postbox.look(url)
        if looked.error:
            raise BadInput(looked.error, "url")
        made = Target(
            person=owner.person or None,
            project=owner.project or None,
            kind=looked.kind[:80],
            host=looked.host[:255],
            sealed=self._seal(url),
        )
        _fill(made, rules)
        with self._database.session() as session:
            session.add(made)
            session.flush()
            self._record(Kind.NOTIFICATION_ADD, actor, made)
        return made.id

    def change(self, target_id: int, rules: Rules, actor: Actor, owner: Owner) -> None:
        """Other rules for a target, whose address stays. Raises TargetNotFound, BadInput naming the field."""
        _check(rules)
        with self._database.session() as session:
            target = session.merge(self.get(target_id, owner))
            _fill(target, rules)
            self._record(Kind.NOTIFICATION_CHANGE, actor, target)

    def remove(self, target_id: int, actor: Actor, owner: Owner) -> None:
        """Tell it nothing any more, not even what is due. Raises TargetNotFound."""
        found = self.get(target_id, owner)
        with self._database.session() as session:
            session.execute(delete(Delivery).where(Delivery.target_id == target_id))
            session.execute(delete(Target).where(_is(target_id, owner)))
            self._record(Kind.NOTIFICATION_REMOVE, actor, found)

    def test(self, target_id: int, actor: Actor, owner: Owner) -> int:
        """Have a message sent now; the number of its delivery, which says what came of it. Raises TargetNotFound."""
        found, moment = self.get(target_id, owner), datetime.now(UTC)
        text = f"This is a test that {actor.name} asked for. If you read it, notifications arrive here."
        made = Delivery(target_id=found.id, text=text, at=moment, due_at=moment)
        with self._database.session() as session:
            waiting = select(func.count()).where(
                Delivery.target_id == found.id, Delivery.event_id.is_(None), Delivery.state == "due"
            )
            if session.scalar(waiting):
                raise BadInput("A test of this target is on its way; wait for what comes of it.")
            session.add(made)
            session.flush()
            self._record(Kind.NOTIFICATION_TEST, actor, found)
        return made.id

    def deliveries(self, owner: Owner, cursor: int | None = None, limit: int = 50) -> list[tuple[Delivery, Target]]:
        """What was sent to their targets or is due, newest first."""
        statement = select(Delivery, Target).join(Target).where(_of(owner)).order_by(Delivery.id.desc())
        if cursor is not None:
            statement = statement.where(Delivery.id < cursor)
        with self._database.session() as session:
            return [(delivery, target) for delivery, target in session.execute(statement.limit(limit))]

    def _seal(self, url: str) -> str:
        return sealing(self._settings).seal(url)

    def _record(self, kind: Kind, actor: Actor, target: Target) -> None:
        events = ", ".join(target.events)
        detail = {"target": str(target.id), "kind": target.kind, "host": target.host, "events": events}
        detail = {name: value for name, value in detail.items() if value}
        self._journal.append(Action(kind, actor, target.title, project=target.project or "", detail=detail))


def forget_project(session: Session, project: str) -> None:
    """Remove the targets of a project that is removed: another one of that name is somebody else's."""
    gone = select(Target.id).where(Target.project == project)
    session.execute(delete(Delivery).where(Delivery.target_id.in_(gone)))
    session.execute(delete(Target).where(Target.project == project))


def _of(owner: Owner) -> ColumnElement[bool]:
    if owner.project:
        return (Target.project == owner.project) & Target.person.is_(None)
    return (Target.person == owner.person) & Target.project.is_(None)


def _is(target_id: int, owner: Owner) -> ColumnElement[bool]:
    return (Target.id == min(target_id, 2**31 - 1)) & _of(owner)


def _fill(target: Target, rules: Rules) -> None:
    target.title, target.only_mine = rules.title.strip(), rules.only_mine
    target.events = [kind.value for kind in EventKind if kind.value in rules.events]
    target.digest_seconds = rules.digest_seconds
    target.quiet_from, target.quiet_until, target.zone = rules.quiet_from, rules.quiet_until, rules.zone


def _check(rules: Rules) -> None:
    title = rules.title.strip()
    if not 0 < len(title) <= 80 or not title.isprintable():
        raise BadInput("Give it a name of 1 to 80 characters.", "title")
    if unknown := set(rules.events) - set(EventKind):
        raise BadInput(f"There is no event “{min(unknown)[:40]}”.", "events")
    if rules.digest_seconds not in DIGESTS:
        raise BadInput("Choose how long to collect: 0, 60, 300, 900 or 3600 seconds.", "digest_seconds")
    for name in ("quiet_from", "quiet_until"):
        if (value := getattr(rules, name)) and not _CLOCK.match(value):
            raise BadInput("Quiet hours are like 22:00.", name)
    if bool(rules.quiet_from) != bool(rules.quiet_until):
        raise BadInput("Quiet hours have a beginning and an end.", "quiet_until")
    if rules.zone not in available_timezones():
        raise BadInput("There is no such time zone; it is like Europe/Berlin.", "zone")


def _checked(url: str) -> str:
    url = url.strip()
    if not 0 < len(url) <= LONGEST_ADDRESS or not url.isprintable() or "://" not in url:
        raise BadInput("An address is like mailtos://name:password@example.org or slack://….", "url")
    return url


def is_quiet(target: Target, moment: datetime) -> bool:
    """Whether the target wants to be left alone at `moment`."""
    if not target.quiet_from:
        return False
    clock = moment.astimezone(ZoneInfo(target.zone)).strftime("%H:%M")
    if target.quiet_from <= target.quiet_until:
        return target.quiet_from <= clock < target.quiet_until
    return clock >= target.quiet_from or clock < target.quiet_until
