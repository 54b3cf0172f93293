"""The Commands page: choose hosts, type a command, start."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from apiflask import APIBlueprint
from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from selfservice.accounts.permissions import Permission
from selfservice.commands.commands import Command
from selfservice.errors import ApplicationError, BadInput
from selfservice.nodes.inventory import InventoryError
from selfservice.runs.index import RunQuery
from selfservice.web.access import current_actor, current_person, requires
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
    return _form(command)


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
    except ApplicationError as error:
        return _form(command, error)
    return redirect(url_for("runs.show", run_id=run.id), 303)


def _form(command: Command, error: ApplicationError | None = None) -> ResponseReturnValue:
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
        held_back=services().blackouts.reason_at(datetime.now(UTC)),
        key=secrets.token_urlsafe(16),
        may_become=current_person().may(Permission.COMMAND_BECOME),
    ), error.status if error else 200


def _recent() -> list[str]:
    """The last different commands of this person."""
    rows = services().runs.list(RunQuery(text=current_person().name, limit=_RECENT)).runs
    mine = (row.title for row in rows if row.person == current_person().name and row.kind == "command")
    return list(dict.fromkeys(mine))[:_SUGGESTIONS]
