"""Schedules, as pages and API ask for them: look, edit, run now."""

from __future__ import annotations

import copy
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from random import Random
from typing import Any

from sqlalchemy import delete, or_, select, update

from selfservice.accounts.models import Identity
from selfservice.accounts.permissions import Permission
from selfservice.audit.actions import Action, Actor, Kind
from selfservice.audit.journal import Journal
from selfservice.errors import ApplicationError, BadInput, ChangedMeanwhile, Forbidden, NotFound
from selfservice.runs.run import Run
from selfservice.schedules.launcher import Launcher
from selfservice.schedules.models import Firing, Schedule
from selfservice.schedules.times import Every, Timing, next_times
from selfservice.scope import EVERYTHING, Sight, sees
from selfservice.store.database import Database

_LONGEST_TITLE = 80
_MOST_JITTER = 3600


class Missed(StrEnum):
    """What to do with times when this node was down."""

    SKIP = "skip"
    ONCE = "once"
    ALL = "all"


class ScheduleNotFound(NotFound):
    """There is no such schedule (any more)."""

    title = "No such schedule"


@dataclass(frozen=True)
class Plan:
    """What a person can say of a schedule."""

    title: str
    hosts: str
    timing: Timing
    operation: str = ""
    variables: dict[str, Any] = field(default_factory=dict)
    command: str = ""
    shell: bool = False
    become: bool = False
    enabled: bool = True
    missed: Missed = Missed.ONCE
    overlap: bool = False
    #: Each time is put off by up to so many seconds.
    jitter_seconds: int = 0
    #: The project it runs in; where it is empty, its hosts and operation say it.
    project: str = ""


class Schedules:
    """The schedules of one node."""

    def __init__(self, database: Database, journal: Journal, launcher: Launcher) -> None:
        """Keep them in `database`, their edits in `journal`."""
        self._database = database
        self._journal = journal
        self.launcher = launcher
        self._sight: Sight = EVERYTHING

    def seen_by(self, sight: Sight) -> Schedules:
        """The same for somebody: schedules that they do not see are not there."""
        bound = copy.copy(self)
        bound._sight = sight
        return bound

    def may(self, permission: Permission, schedule: Schedule) -> bool:
        """Whether this may be done with the schedule."""
        return self._sight.may(permission, self.launcher.scope_of(schedule))

    def all(self) -> list[Schedule]:
        """Every schedule, by title."""
        with self._database.session() as session:
            found = session.scalars(select(Schedule).order_by(Schedule.title, Schedule.id))
            return [each for each in found if self._sees(each)]

    def get(self, schedule_id: int) -> Schedule:
        """One schedule. Raises ScheduleNotFound."""
        with self._database.session() as session:
            found = session.get(Schedule, schedule_id)
        if found is None or not self._sees(found):
            raise ScheduleNotFound(f"There is no schedule {schedule_id} (any more).")
        return found

    def trouble_of(self, schedule: Schedule) -> str:
        """Why it could not be launched now; empty where it could."""
        try:
            self.launcher.check(schedule)
        except ApplicationError as error:
            return error.sentence
        return ""

    def firings(self, schedule_id: int, limit: int = 50) -> list[Firing]:
        """What came of its latest times, newest first."""
        statement = select(Firing).where(Firing.schedule_id == schedule_id).order_by(Firing.due_at.desc()).limit(limit)
        with self._database.session() as session:
            return list(session.scalars(statement))

    def create(self, plan: Plan, actor: Actor) -> int:
        """A new schedule of `actor`; its id. Raises BadInput naming the field, and what a launch would raise."""
        made = Schedule(owner=actor.name, owner_via=actor.via, version=1)
        self._fill(made, plan)
        with self._database.session() as session:
            session.add(made)
            session.flush()
            self._journal.append(self._action(Kind.SCHEDULE_CREATE, actor, made))
        return made.id

    def change(self, schedule_id: int, plan: Plan, version: int, actor: Actor) -> None:
        """Change a schedule, which from now on runs as `actor`. Raises ChangedMeanwhile, and what `create` raises."""
        self._editable(schedule_id)
        changed = Schedule(id=schedule_id, owner=actor.name, owner_via=actor.via)
        self._fill(changed, plan)
        values = {
            column.name: getattr(changed, column.name)
            for column in Schedule.__table__.columns
            if column.name not in ("id", "version", "changed_at")
        }
        self._update(schedule_id, version, values, self._action(Kind.SCHEDULE_CHANGE, actor, changed))

    def enable(self, schedule_id: int, actor: Actor, *, enabled: bool) -> None:
        """Let it run, or not. Raises ScheduleNotFound."""
        found = self._editable(schedule_id)
        found.enabled = enabled
        _set_next(found)
        values = {"enabled": enabled, "next_due_at": found.next_due_at, "next_fire_at": found.next_fire_at}
        kind = Kind.SCHEDULE_ENABLE if enabled else Kind.SCHEDULE_DISABLE
        self._update(schedule_id, found.version, values, self._action(kind, actor, found))

    def disable_of(self, person: str, actor: Actor) -> int:
        """Disable what runs as this person or a token of theirs, until somebody takes it over; how many there were."""
        owned = or_(Schedule.owner == person, Schedule.owner.startswith(f"{person}/", autoescape=True))
        with self._database.session() as session:
            ids = list(session.scalars(select(Schedule.id).where(owned, Schedule.enabled)))
        for schedule_id in ids:
            self.enable(schedule_id, actor, enabled=False)
        return len(ids)

    def remove(self, schedule_id: int, actor: Actor) -> None:
        """Remove it; the runs it launched stay. Raises ScheduleNotFound."""
        found = self._editable(schedule_id)
        with self._database.session() as session:
            session.execute(delete(Firing).where(Firing.schedule_id == schedule_id))
            session.execute(delete(Schedule).where(Schedule.id == schedule_id))
            self._journal.append(self._action(Kind.SCHEDULE_DELETE, actor, found))

    def run_now(self, schedule_id: int, actor: Actor, person: Identity) -> Run:
        """Start it beside its times. Raises ScheduleNotFound, and what a launch raises."""
        return self.launcher.launch_now(self._editable(schedule_id), actor, person)

    def _action(self, kind: Kind, actor: Actor, schedule: Schedule) -> Action:
        scope = self.launcher.scope_of(schedule)
        detail = {"schedule": str(schedule.id or ""), "when": timing_of(schedule).words, "hosts": schedule.hosts}
        if schedule.operation or schedule.command:
            detail["what"] = schedule.operation or schedule.command[:200]
        if schedule.operation:
            detail["operation"] = schedule.operation
        return Action(kind, actor, schedule.title, hosts=scope.hosts, project=schedule.project, detail=detail)

    def _sees(self, schedule: Schedule) -> bool:
        return self._sight.everything or sees(self._sight, self.launcher.scope_of(schedule))

    def _editable(self, schedule_id: int) -> Schedule:
        found = self.get(schedule_id)
        if not self.may(Permission.SCHEDULE_EDIT, found):
            raise Forbidden(f"You may look at {found.title}, and not change it: this needs “write” in its project.")
        return found

    def _fill(self, schedule: Schedule, plan: Plan) -> None:
        _check(plan)
        values = asdict(plan)
        values["timing"] = asdict(plan.timing)
        for name, value in values.items():
            setattr(schedule, name, value)
        schedule.missed = plan.missed.value
        _set_next(schedule)
        self.launcher.check(schedule)

    def _update(self, schedule_id: int, version: int, values: dict[str, Any], action: Action) -> None:
        values = {**values, "version": version + 1, "changed_at": datetime.now(UTC)}
        statement = update(Schedule).where(Schedule.id == schedule_id, Schedule.version == version).values(values)
        with self._database.session() as session:
            if session.execute(statement).rowcount != 1:  # type: ignore[attr-defined]
                if session.get(Schedule, schedule_id) is None:
                    raise ScheduleNotFound(f"There is no schedule {schedule_id} (any more).")
                now, wanted = (_shown(each) for each in (session.get_one(Schedule, schedule_id), Schedule(**values)))
                raise ChangedMeanwhile.since(f"the schedule {now['title']}", now, {**now, **wanted})
            self._journal.append(action)


def timing_of(schedule: Schedule) -> Timing:
    """When it runs."""
    values = dict(schedule.timing)
    return Timing(**{**values, "every": Every(values["every"]), "days": tuple(values["days"])})


def _shown(schedule: Schedule) -> dict[str, object]:
    """What people tell each other of it, as far as it is known."""
    said = ("title", "hosts", "operation", "command", "variables", "shell", "become", "enabled", "missed", "overlap")
    told = {name: value for name in said if (value := getattr(schedule, name)) is not None}
    return {**told, "when": timing_of(schedule).words} if schedule.timing else told


def plan_of(schedule: Schedule) -> Plan:
    """What a person said of it."""
    plain = {name: getattr(schedule, name) for name in Plan.__dataclass_fields__ if name not in ("timing", "missed")}
    return Plan(**plain, timing=timing_of(schedule), missed=Missed(schedule.missed))


def fire_time(schedule_id: int | None, due: datetime, jitter_seconds: int) -> datetime:
    """`due` put off by its jitter, which is the same whoever asks."""
    if not jitter_seconds:
        return due
    seed = f"{schedule_id}:{due.isoformat()}"
    return due + timedelta(seconds=Random(seed).randrange(jitter_seconds + 1))  # noqa: S311  # no secret


def _set_next(schedule: Schedule) -> None:
    schedule.next_due_at = schedule.next_fire_at = None
    if schedule.enabled:
        schedule.next_due_at = next_times(timing_of(schedule), datetime.now(UTC), 1)[0]
        schedule.next_fire_at = fire_time(schedule.id, schedule.next_due_at, schedule.jitter_seconds)


def _check(plan: Plan) -> None:
    if not 0 < len(plan.title.strip()) <= _LONGEST_TITLE:
        raise BadInput(f"Give it a title of 1 to {_LONGEST_TITLE} characters.", "title")
    if bool(plan.operation) == bool(plan.command.strip()):
        raise BadInput("Choose an operation, or type a command.", "operation")
    if not 0 <= plan.jitter_seconds <= _MOST_JITTER:
        raise BadInput(f"The spread is 0 to {_MOST_JITTER} seconds.", "jitter_seconds")
    next_times(plan.timing, datetime.now(UTC), 1)
