"""What stands on each panel of Home, worked out from what one person sees.

Each function has the name of its panel and gives what its template shows; None where the panel has nothing to say to
this person and is left out.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from selfservice.accounts.models import Identity
from selfservice.accounts.permissions import Permission
from selfservice.approvals.models import Request
from selfservice.approvals.models import State as RequestState
from selfservice.approvals.reading import RequestQuery
from selfservice.audit.query import HistoryQuery
from selfservice.errors import ApplicationError
from selfservice.health.state import Health
from selfservice.operations.catalogue import Operation
from selfservice.runs.errors import RunNotFound
from selfservice.runs.listing import RunQuery, RunRow
from selfservice.runs.run import State

if TYPE_CHECKING:
    from selfservice.web.services import Services

_LATEST = 5
_OFFERED = 8
_LOOKED_THROUGH = 100
_MOST_COUNTED = 500
_BACK = timedelta(hours=24)
#: States of a node that somebody should look at.
_TROUBLED = (Health.DOWN, Health.DEGRADED, Health.LATE)
_BAD_CHECKS = ("failed", "unreachable")


def for_me(seen: Services, person: Identity) -> Any:
    """The requests that this person can decide now."""
    return seen.approvals.reading.waiting_for(person) or None


def ask(seen: Services, person: Identity) -> Any:
    """What they may ask for, and whether somebody else has to approve it."""
    return [
        {"operation": each, "steps": seen.operations.approval_steps(each, "")} for each in _launchable(seen, person)
    ]


def oversight(seen: Services, person: Identity) -> Any:
    """How the whole stands: people, requests, nodes, runs of today, missed times, alerts."""
    counts, everybody = seen.runs.counts(), seen.accounts.people.all()
    waiting = RequestQuery(RequestState.WAITING, limit=_MOST_COUNTED)
    return {
        "people": sum(each.active for each in everybody),
        "requests": len(seen.approvals.reading.page(waiting, person).requests),
        "nodes": sum(node.state in _TROUBLED for node in seen.health.all()),
        "runs": counts["today"],
        "failed": counts["failed_today"],
        "missed": len(seen.schedules.missed_since(datetime.now(UTC) - _BACK)),
        "alerts": len(seen.alerts.open_for(person.name)),
    }


def runs(seen: Services, person: Identity) -> Any:
    """What runs now against how long it usually takes, and the latest: one's own for whoever starts any."""
    counts, latest = seen.runs.counts(), seen.runs.list(RunQuery(limit=_LATEST)).runs
    own = () if person.may(Permission.PERSON_EDIT) else _own(seen, person)[:_LATEST]
    return {
        "running": counts[State.RUNNING],
        "queued": counts[State.QUEUED],
        "failed_today": counts["failed_today"],
        "now": [_going_on(seen, row) for row in seen.runs.list(RunQuery(State.RUNNING, limit=3)).runs],
        "latest": own or latest,
        "own": bool(own),
    }


def operations(seen: Services, person: Identity) -> Any:
    """Those they are likely to want, used lately or the first ones, with how each went and how long it takes."""
    launchable = {each.name: each for each in _launchable(seen, person)}
    used = [row.operation for row in _own(seen, person) if row.operation in launchable]
    names = list(dict.fromkeys([*used, *launchable]))[:_OFFERED]
    return {"total": len(launchable), "offered": [_offered(seen, launchable[name], person) for name in names]}


def my_requests(seen: Services, person: Identity) -> Any:
    """What they asked for and where it stands; for whoever may not look at runs also what they started."""
    asked = seen.approvals.reading.page(RequestQuery(mine=True, limit=_LATEST), person).requests
    rows = [_asked(seen, each) for each in asked]
    if not person.may(Permission.RUN_READ):
        started = [
            row for row in _own(seen, person) if not row.is_check and row.id not in {each["run"] for each in rows}
        ]
        rows += [_started(row) for row in started[:_LATEST]]
    rows = sorted(rows, key=lambda row: str(row["at"]), reverse=True)[:_LATEST]
    return {"rows": rows} if rows or not person.may(Permission.OPERATION_LAUNCH) else None


def health(seen: Services, person: Identity) -> Any:
    """How many nodes are well, those that are not, and hosts of which a check said something bad."""
    every = seen.health.all()
    watched = [node for node in every if node.node.enabled]
    checks = seen.checks.latest() if person.may(Permission.RUN_READ) else []
    if not (every or checks):
        return None
    return {
        "total": len(watched),
        "healthy": sum(node.state == Health.HEALTHY for node in watched),
        "troubled": [node for node in watched if node.state in _TROUBLED][:_LATEST],
        "checks": [each for each in checks if each.state in _BAD_CHECKS][:_LATEST],
    }


def projects(seen: Services, person: Identity) -> Any:
    """The projects they have been given access to, each with its own figures."""
    mine = [each for each in seen.projects.all() if not person.is_administrator][:_OFFERED]
    belongings = seen.sights.belongings() if mine else None
    found = []
    for project in mine:
        counts = seen.runs.counts(project.name)
        hosts = [name for name, owners in belongings.hosts.items() if project.name in owners] if belongings else []
        level = seen.projects.level(project.name).word
        found.append({"project": project, "level": level, "hosts": len(hosts), "counts": counts})
    return found or None


def schedules(seen: Services, person: Identity) -> Any:
    """What comes next, and which times of the last day came to nothing."""
    every = seen.schedules.all()
    if not every:
        return None
    coming = sorted((each for each in every if each.next_fire_at), key=lambda each: (each.next_fire_at, each.id))
    missed = seen.schedules.missed_since(datetime.now(UTC) - _BACK)
    return {"coming": coming[:4], "missed": missed[:_LATEST], "missed_count": len(missed)}


def hosts(seen: Services, person: Identity) -> Any:
    """Hosts and groups, or in `trouble` the sentence why the inventory cannot be read."""
    try:
        groups = [group for group in seen.inventory.groups() if group.name not in {"all", "ungrouped"}]
        return {"hosts": seen.inventory.hosts(), "groups": groups, "trouble": ""}
    except ApplicationError as error:
        return {"hosts": [], "groups": [], "trouble": error.sentence}


def history(seen: Services, person: Identity) -> Any:
    """The last things that were done."""
    return {"actions": list(seen.history.search(HistoryQuery(limit=_LATEST)).entries)}


#: The function of each panel.
FIGURES: dict[str, Callable[[Services, Identity], Any]] = {
    each.__name__: each
    for each in (
        for_me,
        ask,
        oversight,
        runs,
        operations,
        my_requests,
        health,
        projects,
        schedules,
        hosts,
        history,
    )
}


def _launchable(seen: Services, person: Identity) -> list[Operation]:
    return [each for each in seen.operations.visible(person) if each.launchable]


def _own(seen: Services, person: Identity) -> tuple[RunRow, ...]:
    return seen.runs.list(RunQuery(person=person.person_name, limit=_LOOKED_THROUGH)).runs


def _going_on(seen: Services, row: RunRow) -> dict[str, Any]:
    run, _ = seen.runs.get(row.id)
    usual = seen.runs.usual(run)
    return {"row": row, "usual": usual.median_seconds if usual else None}


def _offered(seen: Services, operation: Operation, person: Identity) -> dict[str, Any]:
    reads = person.may(Permission.RUN_READ)
    usual = seen.runs.usual_of(operation.name) if reads else None
    rows = seen.runs.list(RunQuery(operation=operation.name, limit=_LATEST)).runs if reads else ()
    return {
        "operation": operation,
        "last": next((row for row in rows if not row.is_check), None),
        "usual": usual.median_seconds if usual else None,
        "asks": bool(operation.sidecar.approval),
    }


def _asked(seen: Services, request: Request) -> dict[str, Any]:
    """Its state, and once it is launched, that of its run."""
    state = request.state
    if request.run_id and state == RequestState.LAUNCHED:
        with contextlib.suppress(RunNotFound):  # removed since
            state = seen.runs.get(request.run_id)[1].state.value
    step = f"step {request.step_number + 1} of {len(request.present.steps)}" if request.step_number is not None else ""
    return {
        "title": request.title,
        "is_command": not request.operation,
        "hosts": request.present.run_request.hosts,
        "state": state,
        "note": step if request.state == RequestState.WAITING and len(request.present.steps) > 1 else "",
        "at": request.asked_at.isoformat(),
        "request": request.id,
        "run": request.run_id,
    }


def _started(row: RunRow) -> dict[str, Any]:
    named = {
        "title": row.title,
        "is_command": not row.operation,
        "hosts": row.hosts,
        "state": row.state.value,
        "note": "",
        "at": row.queued_at,
    }
    return {**named, "request": None, "run": row.id}
