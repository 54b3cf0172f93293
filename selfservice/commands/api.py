"""JSON route of commands."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint, Schema
from apiflask.fields import Boolean, String

from selfservice.accounts.permissions import Permission
from selfservice.commands.commands import Command
from selfservice.operations.api import asked_for
from selfservice.operations.operations import ApprovalNeeded
from selfservice.runs.api import IdempotencyHeader, Launched, launched
from selfservice.web.access import current_actor, current_person, requires
from selfservice.web.services import services

blueprint = APIBlueprint("commands_api", __name__, url_prefix="/api/v1", tag="Commands")


class CommandInput(Schema):
    """A command for hosts."""

    command = String(required=True, metadata={"description": "What to run, such as df -h /."})
    hosts = String(required=True, metadata={"description": "An Ansible host pattern."})
    shell = Boolean(load_default=False, metadata={"description": "Run it in a shell: pipes, variables, several lines."})
    become = Boolean(load_default=False, metadata={"description": "Run it as root; needs the right command:become."})
    project = String(load_default="", metadata={"description": "Where the hosts are in several projects: which."})


@blueprint.post("/commands")
@requires(Permission.COMMAND_LAUNCH)
@blueprint.input(CommandInput)
@blueprint.input(IdempotencyHeader, location="headers")
@blueprint.output(Launched, status_code=201)
@blueprint.doc(
    summary="Run a command on hosts, or ask for it where it needs approval",
    responses={
        202: "It is asked for",
        403: "No right to become root, or the project allows no commands",
        422: "What cannot be used",
    },
)
def launch_command(
    json_data: dict[str, Any], headers_data: dict[str, str]
) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Queue the command as a run, or as a request with the id `request`; the answer says where to follow it."""
    may_become = current_person().may(Permission.COMMAND_BECOME)
    command = Command(**json_data)
    key = headers_data["key"]
    try:
        return launched(services().commands.launch(command, current_actor(), may_become=may_become, key=key))
    except ApprovalNeeded:
        return asked_for(services().approvals.asking.ask_command(command, current_actor(), current_person(), key))
