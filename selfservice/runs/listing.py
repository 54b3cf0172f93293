"""Runs as lists show them, what a list asks for, and both in the words of the index."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from selfservice.errors import BadInput
from selfservice.runs.run import Run, State, Status
from selfservice.scope import Scope
from selfservice.store.ids import is_id

COLUMNS = (
    "id, queued_at, started_at, ended_at, state, why, rc, kind, title, hosts, host_count, person, via, node, again_of,"
    " operation, is_check, schedule, fingerprint, project"
)
#: Whose run it is, whether they came themselves or by a token: alice of alice/nightly.
PERSON = "substr(person, 1, instr(person || '/', '/') - 1)"


@dataclass(frozen=True)
class RunRow:
    """One run as lists show it."""

    id: str
    queued_at: str
    started_at: str | None
    ended_at: str | None
    state: State
    why: str
    rc: int | None
    kind: str
    title: str
    hosts: str
    host_count: int
    person: str
    via: str
    node: str
    again_of: str | None
    #: Empty where the run is no operation's.
    operation: str
    is_check: bool
    schedule: str | None
    #: What `RunRequest.fingerprint` says of its request.
    fingerprint: str
    #: Empty where it runs in none.
    project: str


@dataclass(frozen=True)
class RunQuery:
    """What a list shows: newest first, `limit` at a time, from after `cursor`."""

    state: State | None = None
    text: str = ""
    limit: int = 50
    cursor: str | None = None
    operation: str = ""
    schedule: str = ""
    project: str = ""
    #: The name of a person, who may have come by a token of theirs.
    person: str = ""


@dataclass(frozen=True)
class RunPage:
    """One page of a list, and where the next one begins."""

    runs: tuple[RunRow, ...]
    next_cursor: str | None
    total: int


@dataclass(frozen=True)
class Usual:
    """How long successful runs of the same thing on as many hosts took lately."""

    median_seconds: float
    p95_seconds: float
    sample: tuple[float, ...]


#: The values of a run's columns but the last, and its scope.
Values = tuple[list[object], Scope]


def values_of(run: Run, status: Status) -> Values:
    """The values of `COLUMNS` and of `words` for a run, and its scope."""
    request = run.request
    words = " ".join([run.id, request.title, request.operation, request.hosts, *request.host_names, run.actor.name])
    values: list[object] = [
        run.id,
        run.queued_at,
        status.started_at,
        status.ended_at,
        status.state.value,
        status.why,
        status.rc,
        request.kind.value,
        request.title,
        request.hosts,
        len(request.host_names),
        run.actor.name,
        run.actor.via,
        run.node,
        run.again_of,
        request.operation,
        request.check,
        run.schedule,
        request.fingerprint,
        request.project,
        words.lower(),
    ]
    return values, request.scope


def row_of(values: tuple[object, ...]) -> RunRow:
    """The run whose `COLUMNS` these are."""
    named = dict(zip(RunRow.__dataclass_fields__, values, strict=True))
    named["state"] = State(str(named["state"]))
    named["is_check"] = bool(named["is_check"])
    return RunRow(**named)  # type: ignore[arg-type]


def conditions_of(query: RunQuery) -> tuple[list[str], list[object]]:
    """What the query asks, as conditions of SQL and their values."""
    conditions: list[str] = []
    values: list[object] = []
    if query.state:
        conditions.append("state = ?")
        values.append(query.state.value)
    for column, wanted in (
        ("operation", query.operation),
        ("schedule", query.schedule),
        ("project", query.project),
        (PERSON, query.person),
    ):
        if wanted:
            conditions.append(f"{column} = ?")
            values.append(wanted)
    for word in query.text.lower().split():
        conditions.append("instr(words, ?) > 0")
        values.append(word)
    return conditions, values


def position_of(cursor: str) -> tuple[str, str]:
    """Where a page begins. Raises BadInput for a cursor that is not ours."""
    queued_at, _, run_id = cursor.rpartition("~")
    if not queued_at or not is_id(run_id):
        raise BadInput(f"{cursor!r} is not a cursor that this list gave.", "cursor")
    return queued_at, run_id


def seconds_between(start: str, end: str) -> float:
    """Seconds from one moment to a later one."""
    return max(0.0, (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds())
