"""The Commands page: choose hosts, type a command, start."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from apiflask import APIBlueprint
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from selfservice.accounts.permissions import Permission
from selfservice.commands.commands import Command, command_of
from selfservice.errors import ApplicationError, BadInput
from selfservice.nodes.inventory import InventoryError
from selfservice.operations.form_page import Changing
from selfservice.operations.operations import ApprovalNeeded
from selfservice.runs.listing import RunQuery
from selfservice.web.access import current_actor, current_person, require, requires
from selfservice.web.once import form_key
from selfservice.web.services import services

blueprint = APIBlueprint("commands", __name__, enable_openapi=False)

#: Offered to whoever does not know where to begin.
EXAMPLES = (("df -h /", "Disk space"), ("uptime", "Load and uptime"), ("free -m", "Memory"))
_RECENT = 50
_SUGGESTIONS = 8


@blueprint.get("/commands")
@requires(Permission.COMMAND_LAUNCH)
def index() -> ResponseReturnValue:
    """The form, filled from the URL."""
    command = Command(request.args.get("command", ""), request.args.get("hosts", ""), shell="shell" in request.args)
    return command_form(command)


@blueprint.post("/commands")
@requires(Permission.COMMAND_LAUNCH)
def launch() -> ResponseReturnValue:
    """Start what was typed, or say beside the field what is wrong with it."""
    command = Command(
        request.form.get("command", ""),
        request.form.get("hosts", ""),
        shell="shell" in request.form,
        project=request.form.get("project", ""),
        become="become" in request.form,
    )
    try:
        may_become = current_person().may(Permission.COMMAND_BECOME)
        run = services().commands.launch(command, current_actor(), may_become=may_become, key=form_key())
    except ApprovalNeeded:
        return _asked(command, form_key())
    except ApplicationError as error:
        return command_form(command, error)
    return redirect(url_for("runs.show", run_id=run.id), 303)


@blueprint.post("/commands/again/<run_id>")
@requires(Permission.COMMAND_LAUNCH)
def again(run_id: str) -> ResponseReturnValue:
    """The command of a run once more, or a request for it; `only=failed` for the hosts where it failed."""
    require(Permission.RUN_READ)
    only_failed, may_become = request.form.get("only") == "failed", current_person().may(Permission.COMMAND_BECOME)
    try:
        run = services().commands.again(run_id, current_actor(), only_failed=only_failed, may_become=may_become)
    except ApprovalNeeded:
        return _asked(command_of(services().runs.to_repeat(run_id, only_failed=only_failed)), "")
    return redirect(url_for("runs.show", run_id=run.id), 303)


def _asked(command: Command, key: str) -> ResponseReturnValue:
    """Leads to the request for it."""
    try:
        asked = services().approvals.asking.ask_command(command, current_actor(), current_person(), key)
    except ApplicationError as error:
        return command_form(command, error)
    flash("It is asked for. It starts by itself once it is approved.", "success")
    return redirect(url_for("requests.show", request_id=asked.id), 303)


def command_form(
    command: Command, error: ApplicationError | None = None, changing: Changing | None = None
) -> ResponseReturnValue:
    """The form, filled with `command`; where it is `changing` a request, that is what it sends to."""
    field = error.field if isinstance(error, BadInput) else None
    try:
        hosts, groups = services().inventory.hosts(), services().inventory.groups()
    except InventoryError as trouble:
        hosts, groups, error = [], [], error or trouble
    return render_template(
        "commands/index.html",
        projects=services().commands.possible_projects(),
        command=command,
        errors={field: error.sentence} if error and field else {},
        trouble=error.sentence if error and not field else "",
        hosts=hosts,
        groups=groups,
        preview=services().inventory.preview(command.hosts),
        examples=EXAMPLES,
        recent=_recent(),
        changing=changing,
        held_back=services().blackouts.reason_at(datetime.now(UTC)),
        key=secrets.token_urlsafe(16),
        may_become=current_person().may(Permission.COMMAND_BECOME),
    ), error.status if error else 200


def _recent() -> list[str]:
    """The last different commands of this person."""
    rows = services().runs.list(RunQuery(text=current_person().name, limit=_RECENT)).runs
    mine = (row.title for row in rows if row.person == current_person().name and row.kind == "command")
    return list(dict.fromkeys(mine))[:_SUGGESTIONS]
