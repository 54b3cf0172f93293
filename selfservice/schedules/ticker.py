"""The clockwork of schedules: each time becomes one run, or a recorded reason why not.

A time is claimed by a row that only one process can insert; the run is launched with a key made of that time.
Whoever dies between the two is made up for by the next tick, and the key keeps it at one run.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import takewhile

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from selfservice.errors import ApplicationError, Unavailable
from selfservice.runs.listing import RunQuery
from selfservice.runs.runs import Runs
from selfservice.schedules.blackouts import Blackouts
from selfservice.schedules.launcher import Asked, Launcher
from selfservice.schedules.models import Firing, Schedule
from selfservice.schedules.schedules import Missed, fire_time, timing_of
from selfservice.schedules.times import times_after
from selfservice.store.database import Database

log = logging.getLogger(__name__)

#: Later than this, a time counts as missed.
GRACE = timedelta(seconds=60)
MOST_CATCH_UPS = 24
#: A claimed time that cannot be launched for so long is given up.
_GIVE_UP_AFTER = timedelta(hours=1)
_MOST_TIMES_LOOKED_AT = 10_000

HeldBack = Callable[[Schedule, datetime, str], None]


class Ticker:
    """Looks at the schedules whenever it is told the time."""

    def __init__(
        self, database: Database, launcher: Launcher, runs: Runs, blackouts: Blackouts, held: HeldBack
    ) -> None:
        """Launch through `launcher`; `held` is told of what a blackout holds back."""
        self._database = database
        self._launcher = launcher
        self._runs = runs
        self._blackouts = blackouts
        self._held = held

    def tick(self, now: datetime | None = None) -> None:
        """Claim what is due at `now`, and see to everything that is claimed."""
        now = now or datetime.now(UTC)
        with self._database.session() as session:
            due = list(session.scalars(select(Schedule.id).where(Schedule.enabled, Schedule.next_fire_at <= now)))
        for schedule_id in due:
            self._claim(schedule_id, now)
        with self._database.session() as session:
            claimed = list(
                session.execute(
                    select(Firing, Schedule)
                    .join(Schedule, Schedule.id == Firing.schedule_id)
                    .where(Firing.outcome == "claimed")
                    .order_by(Firing.due_at)
                )
            )
        for firing, schedule in claimed:
            self._see_to(firing, schedule, now)

    def _claim(self, schedule_id: int, now: datetime) -> None:
        """Record what becomes of every due time, and move the schedule on: both or neither."""
        try:
            with self._database.session() as session:
                schedule = session.get(Schedule, schedule_id)
                # Another executor may have claimed this time since we looked.
                if schedule is None or schedule.next_fire_at is None or schedule.next_fire_at > now:
                    return
                if not self._move_on(session, schedule, now):
                    return
                session.add_all(_firings(schedule, now))
        except IntegrityError:
            log.info("another executor was faster", extra={"schedule": schedule_id})

    @staticmethod
    def _move_on(session: Session, schedule: Schedule, now: datetime) -> bool:
        following = next(times_after(timing_of(schedule), max(now, _due(schedule))), None)
        fire = following and fire_time(schedule.id, following, schedule.jitter_seconds)
        statement = (
            update(Schedule)
            .where(Schedule.id == schedule.id, Schedule.next_due_at == schedule.next_due_at)
            .values(next_due_at=following, next_fire_at=fire)
            .execution_options(synchronize_session=False)
        )
        moved: int = session.execute(statement).rowcount  # type: ignore[attr-defined]
        return moved == 1

    def _see_to(self, firing: Firing, schedule: Schedule, now: datetime) -> None:
        if reason := self._blackouts.reason_at(now):
            self._decide(firing, "skipped", f"Held back: {reason}")
            self._held(schedule, firing.due_at, reason)
            return
        if not schedule.overlap and self._is_going_on(schedule):
            # What makes up for a missed time waits for its turn; what is on time gives way.
            if not firing.late:
                self._decide(firing, "skipped", "The run before was still going on.")
            return
        try:
            run = self._launcher.launch(schedule, firing.due_at)
        except Asked as error:
            self._decide(firing, "asked", error.sentence)
        except Unavailable as error:
            if now - firing.decided_at > _GIVE_UP_AFTER:
                self._decide(firing, "refused", error.sentence)
            else:
                log.warning("“%s” is tried again: %s", schedule.title, error.sentence)
        except ApplicationError as error:
            self._decide(firing, "refused", error.sentence)
        else:
            self._decide(firing, "launched", "", run.id)

    def _is_going_on(self, schedule: Schedule) -> bool:
        rows = self._runs.list(RunQuery(schedule=str(schedule.id), limit=5)).runs
        return any(not row.state.ended for row in rows)

    def _decide(self, firing: Firing, outcome: str, reason: str, run_id: str | None = None) -> None:
        with self._database.session() as session:
            session.execute(
                update(Firing)
                .where(Firing.id == firing.id, Firing.outcome == "claimed")
                .values(outcome=outcome, reason=reason, run_id=run_id)
            )


def _due(schedule: Schedule) -> datetime:
    assert schedule.next_due_at is not None  # noqa: S101  # whoever calls has looked
    return schedule.next_due_at


def _firings(schedule: Schedule, now: datetime) -> list[Firing]:
    """What becomes of every time from the next one of `schedule` up to `now`."""
    first = _due(schedule)
    later = takewhile(lambda time: time <= now, times_after(timing_of(schedule), first))
    due = [first, *(time for time, _ in zip(later, range(_MOST_TIMES_LOOKED_AT), strict=False))]
    latest = timedelta(seconds=schedule.jitter_seconds) + GRACE
    missed = [time for time in due if now - time > latest]
    made = [
        Firing(schedule_id=schedule.id, due_at=time, decided_at=now, outcome="claimed") for time in due[len(missed) :]
    ]
    return [*_for_missed(schedule, missed, now), *made]


def _for_missed(schedule: Schedule, missed: list[datetime], now: datetime) -> list[Firing]:
    if not missed:
        return []
    most = {Missed.SKIP: 0, Missed.ONCE: 1, Missed.ALL: MOST_CATCH_UPS}[Missed(schedule.missed)]
    made_up = missed[-most:] if most else []
    left_out = missed[: len(missed) - len(made_up)]
    found = [
        Firing(schedule_id=schedule.id, due_at=time, decided_at=now, outcome="claimed", late=True) for time in made_up
    ]
    if left_out:
        times = "1 time was" if len(left_out) == 1 else f"{len(left_out)} times were"
        found.append(
            Firing(
                schedule_id=schedule.id,
                due_at=left_out[-1],
                decided_at=now,
                outcome="skipped",
                late=True,
                reason=f"{times} missed: this node was not running.",
            )
        )
    return found
