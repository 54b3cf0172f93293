"""JSON routes of schedules and blackouts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from apiflask import APIBlueprint, Schema
from apiflask.fields import AwareDateTime, Boolean, Dict, Integer, List, Nested, String
from apiflask.validators import Length, OneOf, Range

from selfservice.accounts.permissions import Permission
from selfservice.operations.api import asked_for
from selfservice.runs.api import Launched, launched
from selfservice.schedules.blackouts import NewBlackout, words
from selfservice.schedules.launcher import Asked
from selfservice.schedules.models import Blackout, Firing, Schedule
from selfservice.schedules.schedules import Missed
from selfservice.schedules.sent import plan_of_json, timing_of_json
from selfservice.schedules.times import Every, next_times
from selfservice.web.access import current_actor, current_person, requires
from selfservice.web.services import services

blueprint = APIBlueprint("schedules_api", __name__, url_prefix="/api/v1", tag="Schedules")


class TimingInput(Schema):
    """When."""

    every = String(required=True, validate=OneOf([each.value for each in Every]))
    zone = String(required=True, metadata={"description": "An IANA time zone, such as Europe/Berlin."})
    at = String(load_default="02:00", metadata={"description": "Hours and minutes; not for cron."})
    days = List(Integer(), load_default=list, metadata={"description": "Days of the week, 0 for Sunday; for week."})
    day = String(load_default="1", metadata={"description": "Day of the month, or last; for month."})
    cron = String(load_default="", metadata={"description": "Five fields, Sunday is 0 or 7; for cron."})


class PlanInput(Schema):
    """A schedule as a person says it: an operation or a command, where, and when."""

    title = String(required=True)
    hosts = String(required=True, validate=Length(1, 2000))
    timing = Nested(TimingInput, required=True)
    operation = String(load_default="")
    variables = Dict(keys=String(), load_default=dict)
    command = String(load_default="")
    shell = Boolean(load_default=False)
    become = Boolean(load_default=False)
    enabled = Boolean(load_default=True)
    missed = String(load_default=Missed.ONCE.value, validate=OneOf([each.value for each in Missed]))
    overlap = Boolean(load_default=False, metadata={"description": "Start it though its last run still goes on."})
    project = String(load_default="", metadata={"description": "Where its hosts are in several projects: which."})
    jitter_seconds = Integer(load_default=0, metadata={"description": "Put each time off by up to so long."})


class ChangeInput(PlanInput):
    """A changed schedule, and the version that was changed."""

    version = Integer(required=True)


class EnableInput(Schema):
    """Whether it runs at its times."""

    enabled = Boolean(required=True)


class BlackoutInput(Schema):
    """A time when schedules are held back: once, or each week."""

    reason = String(required=True)
    starts_at = AwareDateTime(load_default=None)
    ends_at = AwareDateTime(load_default=None)
    weekday = Integer(load_default=None, validate=Range(0, 6), metadata={"description": "0 for Sunday."})
    at = String(load_default="")
    minutes = Integer(load_default=0)
    zone = String(load_default="UTC")


@blueprint.get("/schedules")
@requires(Permission.SCHEDULE_READ)
@blueprint.doc(summary="List schedules")
def list_schedules() -> dict[str, Any]:
    """Every schedule, with its next time and what would keep it from running."""
    return {"schedules": [_shown(each) for each in services().schedules.all()]}


@blueprint.post("/schedules")
@requires(Permission.SCHEDULE_EDIT)
@blueprint.input(PlanInput)
@blueprint.doc(summary="Make a schedule", responses={201: "It will run", 422: "A bad value"})
def create_schedule(json_data: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """It runs as whoever makes it."""
    schedule_id = services().schedules.create(plan_of_json(json_data), current_actor())
    return _shown(services().schedules.get(schedule_id)), 201


@blueprint.post("/schedules/preview")
@requires(Permission.SCHEDULE_READ)
@blueprint.input(TimingInput)
@blueprint.doc(summary="The next five times of a timing")
def preview_schedule(json_data: dict[str, Any]) -> dict[str, Any]:
    """When it would be due, in UTC; nothing is kept."""
    return {"times": [each.isoformat() for each in next_times(timing_of_json(json_data), datetime.now(UTC))]}


@blueprint.get("/schedules/<int:schedule_id>")
@requires(Permission.SCHEDULE_READ)
@blueprint.doc(summary="Look at a schedule")
def show_schedule(schedule_id: int) -> dict[str, Any]:
    """It, and what came of its latest times."""
    found = services().schedules.get(schedule_id)
    firings = services().schedules.firings(schedule_id)
    return {**_shown(found), "firings": [_firing(each) for each in firings]}


@blueprint.put("/schedules/<int:schedule_id>")
@requires(Permission.SCHEDULE_EDIT)
@blueprint.input(ChangeInput)
@blueprint.doc(summary="Change a schedule", responses={409: "Somebody else changed it meanwhile", 422: "A bad value"})
def change_schedule(schedule_id: int, json_data: dict[str, Any]) -> dict[str, Any]:
    """From now on it runs as whoever changes it."""
    services().schedules.change(schedule_id, plan_of_json(json_data), json_data["version"], current_actor())
    return _shown(services().schedules.get(schedule_id))


@blueprint.patch("/schedules/<int:schedule_id>")
@requires(Permission.SCHEDULE_EDIT)
@blueprint.input(EnableInput)
@blueprint.doc(summary="Enable or disable a schedule")
def enable_schedule(schedule_id: int, json_data: dict[str, bool]) -> dict[str, Any]:
    """A disabled one keeps everything but runs at no time."""
    services().schedules.enable(schedule_id, current_actor(), enabled=json_data["enabled"])
    return _shown(services().schedules.get(schedule_id))


@blueprint.delete("/schedules/<int:schedule_id>")
@requires(Permission.SCHEDULE_EDIT)
@blueprint.doc(summary="Delete a schedule", responses={204: "It is gone; its runs stay"})
def delete_schedule(schedule_id: int) -> tuple[str, int]:
    """The runs it launched stay."""
    services().schedules.remove(schedule_id, current_actor())
    return "", 204


@blueprint.post("/schedules/<int:schedule_id>/runs")
@requires(Permission.SCHEDULE_EDIT)
@blueprint.output(Launched, status_code=201)
@blueprint.doc(summary="Run it now", responses={202: "It is asked for"})
def run_schedule(schedule_id: int) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Beside its times, as whoever asks; `request` is the request where its command needs approval."""
    try:
        return launched(services().schedules.run_now(schedule_id, current_actor(), current_person()))
    except Asked as error:
        return asked_for(services().approvals.reading.get(error.number, current_person()))


@blueprint.get("/blackouts")
@requires(Permission.SCHEDULE_READ)
@blueprint.doc(summary="List blackouts")
def list_blackouts() -> dict[str, Any]:
    """Those that are not over, and why schedules are held back now, if they are."""
    found = services().blackouts
    return {"blackouts": [_blackout(each) for each in found.all()], "now": found.reason_at(datetime.now(UTC))}


@blueprint.post("/blackouts")
@requires(Permission.BLACKOUT_EDIT)
@blueprint.input(BlackoutInput)
@blueprint.doc(summary="Add a blackout", responses={201: "Schedules are held back", 422: "A bad value"})
def create_blackout(json_data: dict[str, Any]) -> tuple[dict[str, int], int]:
    """Give starts_at and ends_at, or weekday, at, minutes and zone."""
    return {"id": services().blackouts.add(NewBlackout(**json_data), current_actor())}, 201


@blueprint.delete("/blackouts/<int:blackout_id>")
@requires(Permission.BLACKOUT_EDIT)
@blueprint.doc(summary="Remove a blackout", responses={204: "It is gone"})
def delete_blackout(blackout_id: int) -> tuple[str, int]:
    """Schedules run again."""
    services().blackouts.remove(blackout_id, current_actor())
    return "", 204


def _shown(schedule: Schedule) -> dict[str, Any]:
    columns = [column.name for column in Schedule.__table__.columns]
    values = {name: getattr(schedule, name) for name in columns if name != "owner_via"}
    times = {name: each.isoformat() for name, each in values.items() if isinstance(each, datetime)}
    return {**values, **times, "trouble": services().schedules.trouble_of(schedule)}


def _firing(firing: Firing) -> dict[str, Any]:
    return {
        "due_at": firing.due_at.isoformat(),
        "outcome": firing.outcome,
        "late": firing.late,
        "run_id": firing.run_id,
        "reason": firing.reason,
    }


def _blackout(blackout: Blackout) -> dict[str, Any]:
    return {"id": blackout.id, "reason": blackout.reason, "when": words(blackout), "by": blackout.created_by}
