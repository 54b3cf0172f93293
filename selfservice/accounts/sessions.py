"""Sessions: where somebody is signed in, since when, and how it ends."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, CursorResult, delete, or_, select, update
from sqlalchemy.orm import Session

from selfservice.accounts.errors import SessionNotFound
from selfservice.accounts.models import Person
from selfservice.accounts.security import SecuritySettings, settings_in
from selfservice.accounts.sign_in_models import SessionRecord
from selfservice.audit.actions import Action, Actor, Kind
from selfservice.audit.journal import Journal
from selfservice.store.database import Database

_USE_NOTED_EVERY = timedelta(minutes=1)
_BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS", "macOS"),
    ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip


class Sessions:
    """The sessions of this node."""

    def __init__(self, database: Database, journal: Journal) -> None:
        """Keep sessions in `database` and record their ends in `journal`."""
        self._database = database
        self._journal = journal

    def begin(self, person: Person, way: str, address: str, agent: str, *, second_factor: bool = False) -> str:
        """The key of a new session of `person`, who came by `way` with the browser `agent`; only its hash is kept.

        `second_factor` says whether one was shown.
        """
        key = secrets.token_urlsafe(32)
        with self._database.session() as session:
            session.execute(delete(SessionRecord).where(_over(settings_in(session))))
            session.add(
                SessionRecord(
                    key_hash=_hash(key),
                    person_id=person.id,
                    version=person.session_version,
                    way=way[:80],
                    address=address[:64],
                    device=device(agent),
                    second_factor=second_factor,
                )
            )
        person.session_key = key
        return key

    def person_of(self, key: str, address: str = "") -> Person | None:
        """Whose session this is, or None where it has ended; notes that it is used, from `address`."""
        with self._database.session() as session:
            record = session.scalar(select(SessionRecord).where(SessionRecord.key_hash == _hash(key)))
            settings = settings_in(session)
            if record is None or not _good(record, settings):
                return None
            if address and datetime.now(UTC) - record.last_seen_at > _USE_NOTED_EVERY:
                record.last_seen_at, record.address = datetime.now(UTC), address[:64]
            person = record.person
        person.session_key = key
        person.lacks_second_factor = person.role.name in settings.second_factor_roles and not record.second_factor
        return person

    def of(self, person: Person) -> list[SessionRecord]:
        """Where `person` is signed in, the last used first."""
        statement = select(SessionRecord).where(SessionRecord.person_id == person.id)
        with self._database.session() as session:
            settings = settings_in(session)
            found = session.scalars(statement.order_by(SessionRecord.last_seen_at.desc(), SessionRecord.id.desc()))
            return [each for each in found if _good(each, settings)]

    def is_current(self, record: SessionRecord, person: Person) -> bool:
        """Whether this is the session that `person` came with."""
        return bool(person.session_key) and record.key_hash == _hash(person.session_key)

    def end(self, number: int, person: Person, actor: Actor) -> None:
        """End a session of `person`. Raises `SessionNotFound`, also for one of somebody else."""
        mine = SessionRecord.id == number, SessionRecord.person_id == person.id
        with self._database.session() as session:
            record = session.scalar(select(SessionRecord).where(*mine))
            if record is None:
                raise SessionNotFound("This session has ended already.")
            session.delete(record)
            detail = {"device": record.device, "address": record.address}
            self._journal.append(Action(Kind.SESSION_END, actor, f"a session of {person.name}", detail=detail))

    def end_others(self, person: Person, actor: Actor) -> int:
        """End every session of `person` but the one they came with; gives how many."""
        others = SessionRecord.person_id == person.id, SessionRecord.key_hash != _hash(person.session_key)
        with self._database.session() as session:
            ended = _deleted(session, *others)
            detail = {"sessions": str(ended)}
            self._journal.append(Action(Kind.SESSION_END, actor, f"sessions of {person.name}", detail=detail))
        return ended

    def note_second_factor(self, key: str) -> None:
        """The person of this session has a second factor from now on, and has just shown it."""
        with self._database.session() as session:
            mine = SessionRecord.key_hash == _hash(key)
            session.execute(update(SessionRecord).where(mine).values(second_factor=True))

    def showed_second_factor(self, key: str) -> bool:
        """Whether this session began with a second factor, or got one since."""
        with self._database.session() as session:
            found = session.scalar(select(SessionRecord.second_factor).where(SessionRecord.key_hash == _hash(key)))
        return bool(found)

    def began_within(self, time: timedelta, key: str) -> bool:
        """Whether somebody signed in for this session so short a time ago."""
        with self._database.session() as session:
            began = session.scalar(select(SessionRecord.created_at).where(SessionRecord.key_hash == _hash(key)))
        return began is not None and datetime.now(UTC) - began < time

    def forget(self, key: str) -> None:
        """The session of somebody who signs out, or who signs in anew."""
        with self._database.session() as session:
            _deleted(session, SessionRecord.key_hash == _hash(key))


def device(agent: str) -> str:
    """What a browser says of itself, in two words that a person recognises; it may say anything."""
    browser = next((name for mark, name in _BROWSERS if mark in agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in agent), "")
    if browser or system:
        return " on ".join(each for each in (browser or "A browser", system) if each)
    return re.sub(r"[^ -~]", "", agent)[:60] or "An unknown browser"


def _good(record: SessionRecord, settings: SecuritySettings) -> bool:
    now, person = datetime.now(UTC), record.person
    used_lately = now - record.last_seen_at < timedelta(hours=settings.idle_hours)
    young = now - record.created_at < timedelta(days=settings.session_days)
    return person.active and record.version == person.session_version and used_lately and young


def _over(settings: SecuritySettings) -> ColumnElement[bool]:
    now = datetime.now(UTC)
    return or_(
        SessionRecord.last_seen_at < now - timedelta(hours=settings.idle_hours),
        SessionRecord.created_at < now - timedelta(days=settings.session_days),
    )


def _deleted(session: Session, *which: ColumnElement[bool]) -> int:
    done = session.execute(delete(SessionRecord).where(*which))
    assert isinstance(done, CursorResult)  # noqa: S101
    return done.rowcount


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
