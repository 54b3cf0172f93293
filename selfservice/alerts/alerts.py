"""Alerts, as the rest of the program asks for them: send, list, dismiss."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select, true, tuple_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from selfservice.alerts.models import Alert, AlertDismissal, AlertRecipient
from selfservice.audit.actions import Action, Actor, Kind
from selfservice.audit.journal import Journal
from selfservice.errors import BadInput, Forbidden, NotFound
from selfservice.scope import EVERYTHING, Scope, Sight, sees
from selfservice.store.database import Database

LONGEST_MESSAGE = 500
DEFAULT_SECONDS = 24 * 3600
LONGEST_SECONDS = 30 * 24 * 3600
_KEPT_AFTER_EXPIRY = timedelta(days=30)


class Severity(StrEnum):
    """How much an alert matters."""

    INFO = "info"
    SUCCESS = "success"
    WARNING = "warning"
    ERROR = "error"


class AlertNotFound(NotFound):
    """There is no such alert, or it is not for this person."""

    title = "No such alert"


@dataclass(frozen=True)
class NewAlert:
    """What is to be said, and to whom: everyone where `to` is empty."""

    message: str
    severity: Severity = Severity.INFO
    to: tuple[str, ...] = ()
    link: str | None = None
    #: Seconds.
    expires_in: int = DEFAULT_SECONDS
    #: A second alert with the same key is not made.
    once: str | None = None
    #: What it is about: only those who may know of it see it. Empty where it is about neither.
    project: str = ""
    host: str = ""


@dataclass(frozen=True)
class ShownAlert:
    """An alert as one person sees it."""

    id: int
    message: str
    severity: Severity
    sender: str
    via: str
    link: str | None
    #: What it is about; empty where it is about neither.
    project: str
    host: str
    created_at: str
    expires_at: str
    #: Neither dismissed by this person nor withdrawn nor expired.
    open: bool


@dataclass(frozen=True)
class AlertPage:
    """One page of alerts, newest first, and where the next one begins."""

    alerts: tuple[ShownAlert, ...]
    next_cursor: int | None


class Alerts:
    """The alerts of one node; safe under many processes."""

    def __init__(self, database: Database, journal: Journal) -> None:
        """Keep alerts in `database`, and who sent them in `journal`."""
        self._database = database
        self._journal = journal
        self._sight: Sight = EVERYTHING

    def seen_by(self, sight: Sight) -> Alerts:
        """The same for somebody: an alert about what they do not see is not there."""
        bound = copy.copy(self)
        bound._sight = sight
        return bound

    def send(self, alert: NewAlert, actor: Actor) -> int:
        """Say something; its id. Raises BadInput naming the field, JournalError.

        About what somebody does not see, they cannot say anything: for them it is not there.
        """
        _check(alert)
        self._refuse_unseen(alert)
        moment = datetime.now(UTC)
        made = Alert(
            message=alert.message.strip(),
            severity=alert.severity.value,
            sender=actor.name,
            via=actor.via,
            link=alert.link,
            for_everyone=not alert.to,
            created_at=moment,
            expires_at=moment + timedelta(seconds=alert.expires_in),
            once=alert.once,
            project=alert.project,
            host=alert.host,
        )
        try:
            with self._database.session() as session:
                if known := _known(session, alert.once):
                    return known
                session.add(made)
                session.flush()
                session.add_all(AlertRecipient(alert_id=made.id, person=name) for name in dict.fromkeys(alert.to))
                self._journal.append(_action(Kind.ALERT_SEND, actor, made, alert.to))
        except IntegrityError:
            with self._database.session() as session:
                if known := _known(session, alert.once):
                    return known
            raise
        return made.id

    def open_for(self, person: str) -> list[ShownAlert]:
        """What this person has neither dismissed nor lost to time, newest first."""
        with self._database.session() as session:
            mine = self._meant_for(session, person), _is_open(person)
            found = session.scalars(select(Alert).where(*mine).order_by(Alert.id.desc()))
            return [_shown(alert, is_open=True) for alert in found]

    def page_for(
        self, person: str, *, only_open: bool, limit: int = 50, cursor: int | None = None, project: str = ""
    ) -> AlertPage:
        """Alerts that are or were meant for this person; where `project` is given, those about it."""
        is_open = _is_open(person)
        statement = select(Alert, is_open).order_by(Alert.id.desc()).limit(limit + 1)
        if only_open:
            statement = statement.where(is_open)
        if cursor is not None:
            statement = statement.where(Alert.id < cursor)
        if project:
            statement = statement.where(Alert.project == project)
        with self._database.session() as session:
            rows = session.execute(statement.where(self._meant_for(session, person))).all()
        shown = tuple(_shown(alert, is_open=bool(still)) for alert, still in rows[:limit])
        return AlertPage(shown, shown[-1].id if len(rows) > limit else None)

    def dismiss(self, alert_id: int, person: str) -> None:
        """Take an alert off this person's pages. Raises AlertNotFound."""
        with self._database.session() as session:
            mine = Alert.id == alert_id, self._meant_for(session, person)
            if session.scalar(select(Alert.id).where(*mine)) is None:
                raise AlertNotFound(f"There is no alert {alert_id} for {person}.")
            session.merge(AlertDismissal(alert_id=alert_id, person=person))

    def dismiss_all(self, person: str) -> None:
        """Take every alert off this person's pages."""
        with self._database.session() as session:
            mine = self._meant_for(session, person), _is_open(person)
            for alert_id in session.scalars(select(Alert.id).where(*mine)).all():
                session.merge(AlertDismissal(alert_id=alert_id, person=person))

    def withdraw(self, alert_id: int, actor: Actor, *, may_all: bool) -> None:
        """Take an alert off everybody's pages. Raises AlertNotFound, Forbidden."""
        with self._database.session() as session:
            alert = session.get(Alert, alert_id)
            if alert is None or not sees(self._sight, _scope(alert.project, alert.host)):
                raise AlertNotFound(f"There is no alert {alert_id}.")
            if alert.sender != actor.name and not may_all:
                raise Forbidden(f"Only {alert.sender} or an administrator can withdraw this alert.")
            session.execute(update(Alert).where(Alert.id == alert_id).values(withdrawn_at=datetime.now(UTC)))
            self._journal.append(_action(Kind.ALERT_WITHDRAW, actor, alert, ()))

    def _refuse_unseen(self, alert: NewAlert) -> None:
        for field, scope in (("project", Scope(alert.project)), ("host", _scope("", alert.host))):
            if getattr(alert, field) and not sees(self._sight, scope):
                raise BadInput(f"There is no {field} called {getattr(alert, field)[:80]} (any more).", field)

    def _meant_for(self, session: Session, person: str) -> ColumnElement[bool]:
        """Said to everyone or to them by name, and about nothing that they do not see."""
        named = exists().where(AlertRecipient.alert_id == Alert.id, AlertRecipient.person == person)
        return and_(or_(Alert.for_everyone, named), self._is_seen(session))

    def _is_seen(self, session: Session) -> ColumnElement[bool]:
        if self._sight.everything:
            return true()
        about = session.execute(select(Alert.project, Alert.host).distinct())
        hidden = [
            (project, host)
            for project, host in about
            if (project or host) and not sees(self._sight, _scope(project, host))
        ]
        return tuple_(Alert.project, Alert.host).not_in(hidden) if hidden else true()

    def version(self) -> tuple[object, ...]:
        """Differs whenever what anybody sees may have changed."""
        with self._database.session() as session:
            alerts = session.execute(
                select(func.count(), func.max(Alert.id), func.count(Alert.withdrawn_at)).where(
                    Alert.expires_at > datetime.now(UTC)
                )
            ).one()
            dismissals = session.scalar(select(func.count()).select_from(AlertDismissal))
        return (*alerts, dismissals)

    def forget_expired(self) -> int:
        """Remove what expired a month ago; how many there were."""
        old = select(Alert.id).where(Alert.expires_at < datetime.now(UTC) - _KEPT_AFTER_EXPIRY)
        with self._database.session() as session:
            ids = list(session.scalars(old))
            for table in (AlertRecipient, AlertDismissal):
                session.execute(delete(table).where(table.alert_id.in_(ids)))
            session.execute(delete(Alert).where(Alert.id.in_(ids)))
        return len(ids)


def _scope(project: str, host: str) -> Scope:
    return Scope(project, (host,) if host else ())


def _check(alert: NewAlert) -> None:
    text = alert.message.strip()
    if not 0 < len(text) <= LONGEST_MESSAGE:
        raise BadInput(f"A message has 1 to {LONGEST_MESSAGE} characters.", "message")
    if not text.isprintable():
        raise BadInput("A message is one line without control characters.", "message")
    if not 0 < alert.expires_in <= LONGEST_SECONDS:
        raise BadInput(f"An alert expires within {LONGEST_SECONDS // 86400} days.", "expires_in")
    if alert.link is not None and not _is_safe_link(alert.link):
        raise BadInput("A link is an http or https address, or a path on this node such as /runs.", "link")


def _is_safe_link(link: str) -> bool:
    if len(link) > LONGEST_MESSAGE or not link.isprintable() or "\\" in link or " " in link:
        return False
    if link.startswith("/"):
        return not link.startswith("//")
    try:
        parts = urlsplit(link)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def _known(session: Session, once: str | None) -> int | None:
    return session.scalar(select(Alert.id).where(Alert.once == once)) if once else None


def _is_open(person: str) -> ColumnElement[bool]:
    dismissed = exists().where(AlertDismissal.alert_id == Alert.id, AlertDismissal.person == person)
    return and_(Alert.withdrawn_at.is_(None), Alert.expires_at > datetime.now(UTC), ~dismissed)


def _shown(alert: Alert, *, is_open: bool) -> ShownAlert:
    return ShownAlert(
        id=alert.id,
        message=alert.message,
        severity=Severity(alert.severity),
        sender=alert.sender,
        via=alert.via,
        link=alert.link,
        project=alert.project,
        host=alert.host,
        created_at=alert.created_at.isoformat(),
        expires_at=alert.expires_at.isoformat(),
        open=is_open,
    )


def _action(kind: Kind, actor: Actor, alert: Alert, to: tuple[str, ...]) -> Action:
    return Action(
        kind,
        actor,
        alert.message[:120],
        hosts=(alert.host,) if alert.host else (),
        project=alert.project,
        detail={"alert": str(alert.id), "severity": alert.severity, "to": ", ".join(to) or "everyone"},
    )
