"""The pages of schedules and blackouts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import available_timezones

import yaml
from apiflask import APIBlueprint
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from tzlocal import get_localzone_name

from selfservice.accounts.permissions import Permission
from selfservice.errors import ApplicationError, BadInput
from selfservice.nodes.inventory import InventoryError
from selfservice.operations.values import ValueErrors
from selfservice.runs.errors import SameRunning
from selfservice.runs.listing import RunQuery
from selfservice.schedules.blackouts import NewBlackout, words
from selfservice.schedules.launcher import Asked
from selfservice.schedules.models import Schedule
from selfservice.schedules.schedules import Missed, Plan, plan_of, timing_of
from selfservice.schedules.sent import plan_of_form, timing_of_form
from selfservice.schedules.times import DAYS, Every, Timing, next_times, zone
from selfservice.web.access import current_actor, current_person, requires
from selfservice.web.services import services

blueprint = APIBlueprint("schedules", __name__, enable_openapi=False)

_WEEK = timedelta(days=7)


@blueprint.get("/schedules")
@requires(Permission.SCHEDULE_READ)
def index() -> ResponseReturnValue:
    """Every schedule: what, when next, how it went last, what is wrong."""
    schedules = services().schedules.all()
    return render_template(
        "schedules/index.html",
        rows=[_row(schedule) for schedule in schedules],
        held_back=services().blackouts.reason_at(datetime.now(UTC)),
        may_edit=current_person().may(Permission.SCHEDULE_EDIT),
    )


def _row(schedule: Schedule) -> dict[str, Any]:
    latest = services().runs.list(RunQuery(schedule=str(schedule.id), limit=1)).runs
    return {
        "schedule": schedule,
        "timing": timing_of(schedule),
        "next": _local(schedule.next_due_at, timing_of(schedule)),
        "trouble": services().schedules.trouble_of(schedule),
        "latest": latest[0] if latest else None,
    }


@blueprint.get("/schedules/new")
@requires(Permission.SCHEDULE_EDIT)
def new() -> ResponseReturnValue:
    """The form, filled from the address."""
    plan = Plan(
        title=request.args.get("title", ""),
        hosts=request.args.get("hosts", ""),
        timing=Timing(Every.DAY, get_localzone_name() or "UTC"),
        operation=request.args.get("operation", ""),
        command=request.args.get("command", ""),
    )
    return _form(plan)


@blueprint.post("/schedules/new")
@requires(Permission.SCHEDULE_EDIT)
def create() -> ResponseReturnValue:
    """Make it, show its next times, or say what is wrong."""
    return _sent(None)


@blueprint.get("/schedules/<int:schedule_id>/edit")
@requires(Permission.SCHEDULE_EDIT)
def edit(schedule_id: int) -> ResponseReturnValue:
    """The form, filled with what it is now."""
    schedule = services().schedules.get(schedule_id)
    return _form(plan_of(schedule), schedule=schedule)


@blueprint.post("/schedules/<int:schedule_id>/edit")
@requires(Permission.SCHEDULE_EDIT)
def change(schedule_id: int) -> ResponseReturnValue:
    """Change it, show its next times, or say what is wrong."""
    return _sent(services().schedules.get(schedule_id))


def _sent(schedule: Schedule | None) -> ResponseReturnValue:
    try:
        plan = plan_of_form(request.form)
    except BadInput as error:
        return _form(None, schedule=schedule, error=error)
    if "preview" in request.form:
        return _form(plan, schedule=schedule)
    try:
        if schedule is None:
            schedule_id = services().schedules.create(plan, current_actor())
        else:
            version = request.form.get("version", type=int) or 0
            services().schedules.change(schedule.id, plan, version, current_actor())
            schedule_id = schedule.id
    except ApplicationError as error:
        return _form(plan, schedule=schedule, error=error)
    return redirect(url_for("schedules.show", schedule_id=schedule_id), 303)


@blueprint.get("/schedules/<int:schedule_id>")
@requires(Permission.SCHEDULE_READ)
def show(schedule_id: int) -> ResponseReturnValue:
    """One schedule: its next times, its runs, and the times when there was none."""
    schedule = services().schedules.get(schedule_id)
    timing = timing_of(schedule)
    times = next_times(timing, datetime.now(UTC)) if schedule.enabled else []
    return render_template(
        "schedules/show.html",
        **_row(schedule),
        times=[_local(each, timing) for each in times],
        firings=services().schedules.firings(schedule_id),
        runs=services().runs.list(RunQuery(schedule=str(schedule_id), limit=20)).runs,
        variables=_as_yaml(schedule.variables),
        may_edit=services().schedules.may(Permission.SCHEDULE_EDIT, schedule)
        and current_person().may(Permission.SCHEDULE_EDIT),
    )


@blueprint.post("/schedules/<int:schedule_id>/run")
@requires(Permission.SCHEDULE_EDIT)
def run_now(schedule_id: int) -> ResponseReturnValue:
    """Start it beside its times."""
    try:
        run = services().schedules.run_now(schedule_id, current_actor(), current_person())
    except Asked as error:
        flash(error.sentence, "success")
        return redirect(url_for("requests.show", request_id=error.number), 303)
    except (SameRunning, BadInput) as error:
        flash(error.sentence, "warning")
        return redirect(url_for("schedules.show", schedule_id=schedule_id), 303)
    return redirect(url_for("runs.show", run_id=run.id), 303)


@blueprint.post("/schedules/<int:schedule_id>/enable")
@requires(Permission.SCHEDULE_EDIT)
def enable(schedule_id: int) -> ResponseReturnValue:
    """Let it run, or not: `enabled` is yes or no."""
    enabled = request.form.get("enabled") == "yes"
    services().schedules.enable(schedule_id, current_actor(), enabled=enabled)
    flash("It runs at its times again." if enabled else "It runs no more until it is enabled.", "success")
    return redirect(url_for("schedules.show", schedule_id=schedule_id), 303)


@blueprint.post("/schedules/<int:schedule_id>/delete")
@requires(Permission.SCHEDULE_EDIT)
def delete(schedule_id: int) -> ResponseReturnValue:
    """Remove it; its runs stay."""
    services().schedules.remove(schedule_id, current_actor())
    flash("The schedule is deleted; its runs stay.", "success")
    return redirect(url_for("schedules.index"), 303)


@blueprint.get("/blackouts")
@requires(Permission.SCHEDULE_READ)
def blackouts() -> ResponseReturnValue:
    """When schedules are held back, and which times of the coming week that concerns."""
    return _blackouts()


@blueprint.post("/blackouts")
@requires(Permission.BLACKOUT_EDIT)
def add_blackout() -> ResponseReturnValue:
    """Add one, or say what is wrong."""
    try:
        services().blackouts.add(_blackout_of_form(), current_actor())
    except BadInput as error:
        return _blackouts(error)
    return redirect(url_for("schedules.blackouts"), 303)


@blueprint.post("/blackouts/<int:blackout_id>/delete")
@requires(Permission.BLACKOUT_EDIT)
def remove_blackout(blackout_id: int) -> ResponseReturnValue:
    """Remove one."""
    services().blackouts.remove(blackout_id, current_actor())
    return redirect(url_for("schedules.blackouts"), 303)


def _blackout_of_form() -> NewBlackout:
    form = request.form
    where = form.get("zone", "").strip()
    if form.get("kind") == "weekly":
        return NewBlackout(
            form.get("reason", ""),
            weekday=form.get("weekday", 0, type=int),
            at=form.get("at", ""),
            minutes=form.get("minutes", 0, type=int),
            zone=where,
        )
    starts_at, ends_at = (_moment(form.get(name, ""), name, where) for name in ("starts_at", "ends_at"))
    return NewBlackout(form.get("reason", ""), starts_at, ends_at, zone=where)


def _moment(text: str, field: str, where: str) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=zone(where)).astimezone(UTC)
    except ValueError:
        raise BadInput("Give a date and a time, such as 2026-12-24T18:00.", field) from None


def _blackouts(error: BadInput | None = None) -> ResponseReturnValue:
    found = services().blackouts
    return render_template(
        "schedules/blackouts.html",
        rows=[(each, words(each)) for each in found.all()],
        held_back=found.reason_at(datetime.now(UTC)),
        concerned=_concerned(),
        errors={error.field: error.sentence} if error else {},
        typed=request.form,
        days=DAYS,
        local_zone=get_localzone_name() or "UTC",
        zones=sorted(available_timezones()),
        may_edit=current_person().may(Permission.BLACKOUT_EDIT),
    ), error.status if error else 200


def _concerned() -> list[tuple[Schedule, str, str]]:
    """The times of the coming week that fall into a blackout: schedule, time, reason."""
    now, found = datetime.now(UTC), []
    for schedule in services().schedules.all():
        if not schedule.enabled:
            continue
        timing = timing_of(schedule)
        for time in next_times(timing, now, 50):
            reason = services().blackouts.reason_at(time) if time < now + _WEEK else None
            if reason:
                found.append((schedule, _local(time, timing), reason))
    return found


def _form(
    plan: Plan | None, *, schedule: Schedule | None = None, error: ApplicationError | None = None
) -> ResponseReturnValue:
    errors: dict[str, str] = {}
    if isinstance(error, ValueErrors):
        errors = {"variables": " ".join(f"{name}: {sentence}" for name, sentence in error.errors.items())}
    elif isinstance(error, BadInput) and error.field:
        errors = {error.field: error.sentence}
    times: list[str] = []
    try:
        timing = plan.timing if plan else timing_of_form(request.form)
        times = [_local(each, timing) for each in next_times(timing, datetime.now(UTC))]
    except BadInput as trouble:
        timing = Timing(Every.DAY, request.form.get("zone", "UTC"))
        if trouble.field:
            errors.setdefault(trouble.field, trouble.sentence)
    try:
        hosts, groups = services().inventory.hosts(), services().inventory.groups()
    except InventoryError as trouble:
        hosts, groups, error = [], [], error or trouble
    return render_template(
        "schedules/form.html",
        plan=plan or Plan(request.form.get("title", ""), request.form.get("hosts", ""), timing),
        variables=request.form.get("variables", _as_yaml(plan.variables) if plan else ""),
        schedule=schedule,
        errors=errors,
        trouble=error.sentence if error and not errors else "",
        times=times,
        operations=[each for each in services().operations.visible(current_person()) if each.launchable],
        projects=services().commands.possible_projects(),
        hosts=hosts,
        groups=groups,
        days=DAYS,
        every=list(Every),
        missed=list(Missed),
        zones=sorted(available_timezones()),
        may_become=current_person().may(Permission.COMMAND_BECOME),
    ), error.status if error else 200


def _local(moment: datetime | None, timing: Timing) -> str:
    """A moment as the schedule's own time zone says it."""
    return moment.astimezone(zone(timing.zone)).strftime("%a %Y-%m-%d %H:%M %Z") if moment else ""


def _as_yaml(variables: dict[str, Any]) -> str:
    return yaml.safe_dump(variables, sort_keys=False, allow_unicode=True) if variables else ""
