"""Times when schedules are held back, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from selfservice.audit.actions import Action, Actor, Kind
from selfservice.audit.journal import Journal
from selfservice.errors import BadInput, NotFound
from selfservice.schedules.models import Blackout
from selfservice.schedules.times import DAYS, Every, Timing, times_after
from selfservice.store.database import Database

_LONGEST_MINUTES = 7 * 24 * 60


class BlackoutNotFound(NotFound):
    """There is no such blackout (any more)."""

    title = "No such blackout"


@dataclass(frozen=True)
class NewBlackout:
    """Once from `starts_at` to `ends_at`, or each week on `weekday` at `at` for `minutes`."""

    reason: str
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    weekday: int | None = None
    at: str = ""
    minutes: int = 0
    zone: str = "UTC"


class Blackouts:
    """The blackouts of one node."""

    def __init__(self, database: Database, journal: Journal) -> None:
        """Keep them in `database`, and who made them in `journal`."""
        self._database = database
        self._journal = journal

    def all(self) -> list[Blackout]:
        """Every blackout that is not over, the oldest first."""
        now = datetime.now(UTC)
        return [each for each in self._kept() if each.ends_at is None or each.ends_at > now]

    def reason_at(self, moment: datetime) -> str | None:
        """Why schedules are held back at `moment`, also a past one; None where they are not."""
        return next((each.reason for each in self._kept() if covers(each, moment)), None)

    def add(self, new: NewBlackout, actor: Actor) -> int:
        """Add one; its id. Raises BadInput naming the field."""
        _check(new)
        made = Blackout(**{**vars(new), "reason": new.reason.strip()}, created_by=actor.name)
        with self._database.session() as session:
            session.add(made)
            session.flush()
            self._journal.append(Action(Kind.BLACKOUT_CREATE, actor, made.reason, detail={"when": words(made)}))
        return made.id

    def _kept(self) -> list[Blackout]:
        with self._database.session() as session:
            return list(session.scalars(select(Blackout).order_by(Blackout.id)))

    def remove(self, blackout_id: int, actor: Actor) -> None:
        """Remove one. Raises BlackoutNotFound."""
        with self._database.session() as session:
            found = session.get(Blackout, blackout_id)
            if found is None:
                raise BlackoutNotFound(f"There is no blackout {blackout_id} (any more).")
            session.delete(found)
            self._journal.append(Action(Kind.BLACKOUT_DELETE, actor, found.reason, detail={"when": words(found)}))


def covers(blackout: Blackout, moment: datetime) -> bool:
    """Whether `moment` falls into it."""
    if blackout.starts_at is not None and blackout.ends_at is not None:
        return blackout.starts_at <= moment < blackout.ends_at
    length = timedelta(minutes=blackout.minutes)
    start = next(times_after(_timing(blackout), moment - length - timedelta(seconds=1)), None)
    return start is not None and start <= moment < start + length


def words(blackout: Blackout) -> str:
    """When it is, as a person says it."""
    if blackout.starts_at is not None and blackout.ends_at is not None:
        start, end = (each.astimezone() for each in (blackout.starts_at, blackout.ends_at))
        return f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M %Z}"
    day = DAYS[blackout.weekday or 0]
    return f"each {day} at {blackout.at} for {blackout.minutes} minutes, {blackout.zone}"


def _timing(blackout: Blackout | NewBlackout) -> Timing:
    return Timing(Every.WEEK, blackout.zone, at=blackout.at, days=(blackout.weekday or 0,))


def _check(new: NewBlackout) -> None:
    if not 0 < len(new.reason.strip()) <= 200:
        raise BadInput("Say why, in 1 to 200 characters.", "reason")
    if new.weekday is None:
        if new.starts_at is None or new.ends_at is None:
            raise BadInput("Give a start and an end.", "starts_at")
        if new.ends_at <= new.starts_at:
            raise BadInput("The end must be after the start.", "ends_at")
        return
    if not 0 < new.minutes <= _LONGEST_MINUTES:
        raise BadInput("It lasts from 1 minute to a week.", "minutes")
    next(times_after(_timing(new), datetime.now(UTC)))
