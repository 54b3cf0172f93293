"""Where events come from: what tells of itself, and what is found by looking."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from selfservice.alerts.models import Alert, AlertRecipient
from selfservice.approvals.models import Request
from selfservice.approvals.models import State as RequestState
from selfservice.health.changes import Change
from selfservice.health.state import Health
from selfservice.notifications.events import Event, EventKind
from selfservice.notifications.notices import Notices
from selfservice.runs.listing import RunQuery, RunRow, Usual
from selfservice.runs.run import Run, State
from selfservice.runs.runs import Runs
from selfservice.schedules.models import Firing, Schedule
from selfservice.scope import Scope
from selfservice.store.database import Database

#: What a schedule is about.
ScopeOf = Callable[[Schedule], Scope]
#: So far back is looked: what is older was told, or nobody would want to know any more.
_BACK = timedelta(hours=24)
_LOOKED_AT = 200
_BAD_ENDS = {State.FAILED: "failed", State.TIMED_OUT: "took too long and was ended", State.LOST: "was lost"}


class Looking:
    """Finds what happened without anybody telling: runs that ended badly, alerts of people, times of schedules."""

    def __init__(self, database: Database, runs: Runs, scope_of: ScopeOf, notices: Notices) -> None:
        """Tell `notices`; `scope_of` says what a schedule is about."""
        self._database = database
        self._runs = runs
        self._scope_of = scope_of
        self._notices = notices
        self._known: dict[str, Event] = {}

    def tick(self, moment: datetime | None = None) -> None:
        """Look; what was told before is told no second time, whatever was restarted in between."""
        since = (moment or datetime.now(UTC)) - _BACK
        events = [*self._ends(since), *self._firings(since), *self._alerts(since)]
        for event in events:
            if event.once not in self._known:
                self._notices.tell(event)
        self._known = {event.once: event for event in events}

    def _ends(self, since: datetime) -> list[Event]:
        found: list[Event] = []
        for state, words in _BAD_ENDS.items():
            rows = self._runs.index.page(RunQuery(state=state, limit=_LOOKED_AT)).runs
            found += [
                self._known.get(f"run:{row.id}") or self._failed(row, words) for row in rows if _ended(row) > since
            ]
        return found

    def _failed(self, row: RunRow, words: str) -> Event:
        what = f"The preview of “{row.title[:120]}”" if row.is_check else f"“{row.title[:120]}”"
        text = f"{what} on {row.hosts[:80]}, started by {row.person}, {words}. {row.why}"
        scope = self._runs.get(row.id)[0].request.scope
        link, people = f"/runs/{row.id}", (_person(row.person),)
        return Event(EventKind.RUN_FAILED, text, f"run:{row.id}", link, people, at=_ended(row), scope=scope)

    def _firings(self, since: datetime) -> list[Event]:
        statement = (
            select(Firing, Schedule)
            .join(Schedule, Schedule.id == Firing.schedule_id)
            .where(Firing.outcome.in_(("skipped", "refused")), Firing.decided_at > since)
        )
        with self._database.session() as session:
            rows = [(firing, schedule) for firing, schedule in session.execute(statement)]
        return [_missed(firing, schedule, self._scope_of(schedule)) for firing, schedule in rows]

    def _alerts(self, since: datetime) -> list[Event]:
        """Those that people and programs sent; what this program says itself are events of their own."""
        sent = select(Alert).where(Alert.via != "system", Alert.created_at > since, Alert.withdrawn_at.is_(None))
        with self._database.session() as session:
            found = []
            for alert in session.scalars(sent):
                people = session.scalars(select(AlertRecipient.person).where(AlertRecipient.alert_id == alert.id))
                found.append(_alert(alert, tuple(people)))
            return found


def _ended(row: RunRow) -> datetime:
    return datetime.fromisoformat(row.ended_at or row.queued_at)


def _missed(firing: Firing, schedule: Schedule, scope: Scope) -> Event:
    text = f"“{schedule.title}” did not run at {firing.due_at:%Y-%m-%d %H:%M} UTC: {firing.reason}"
    once, people = f"firing:{firing.id}", (_person(schedule.owner),)
    link = f"/schedules/{schedule.id}"
    return Event(EventKind.SCHEDULE_MISSED, text, once, link, people, at=firing.decided_at, scope=scope)


def _alert(alert: Alert, people: tuple[str, ...]) -> Event:
    text = f"{alert.severity.capitalize()}, from {alert.sender}: {alert.message}"
    link = alert.link if alert.link and alert.link.startswith("/") else "/alerts"
    once, scope = f"alert:{alert.id}", Scope(alert.project, (alert.host,) if alert.host else ())
    return Event(EventKind.ALERT, text, once, link, people, private=bool(people), at=alert.created_at, scope=scope)


def _person(name: str) -> str:
    """The person behind the name of a token."""
    return name.partition("/")[0]


def slow(run: Run, usual: Usual) -> Event:
    """A run takes longer than usual."""
    text = (
        f"“{run.request.title[:120]}” takes longer than usual: it is usually done after {usual.median_seconds:.0f} s."
    )
    people, scope = (_person(run.actor.name),), run.request.scope
    return Event(EventKind.RUN_SLOW, text, f"slow:{run.id}", f"/runs/{run.id}", people, scope=scope)


def node_changed(change: Change) -> Event | None:
    """A node went down or came back; None for any other change."""
    if Health.DOWN not in (change.new, change.old):
        return None
    down = change.new is Health.DOWN
    if not down and change.new not in (Health.HEALTHY, Health.DEGRADED):
        return None
    text = " ".join([f"{change.node} {'is down' if down else 'is up again'}.", *change.why])
    once = f"health:{change.node}:{change.new}:{change.at.isoformat()}"
    kind, scope = EventKind.NODE_DOWN if down else EventKind.NODE_UP, Scope(hosts=(change.node,))
    return Event(kind, text, once, f"/health/{change.node}", at=change.at, scope=scope)


class OfRequests:
    """Tells of requests, as `approvals.keeping_time` asks for it."""

    def __init__(self, notices: Notices) -> None:
        """Tell `notices`."""
        self._notices = notices

    def waiting(self, request: Request, deciders: list[str], reminder: int) -> None:
        """These people can decide it now."""
        if deciders:
            text = f"“{request.title}”, asked for by {request.asked_by}, {'still ' if reminder else ''}waits for you."
            once = f"request:{request.id}:{request.revision}:{request.step_number}:{reminder}"
            self._tell(EventKind.APPROVAL_WAITING, request, text, once, tuple(deciders))

    def decided(self, request: Request) -> None:
        """It has come to an end: whoever withdrew it knows."""
        if request.state != RequestState.WITHDRAWN:
            text = f"“{request.title}”: your request is {request.state}. {request.why}"
            self._tell(EventKind.APPROVAL_DECIDED, request, text, f"request:{request.id}:end", (request.person,))

    def _tell(self, kind: EventKind, request: Request, text: str, once: str, people: tuple[str, ...]) -> None:
        scope = request.present.run_request.scope
        self._notices.tell(Event(kind, text, once, f"/requests/{request.id}", people, private=True, scope=scope))
