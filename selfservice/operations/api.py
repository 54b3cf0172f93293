"""JSON routes of operations."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Protocol

from apiflask import APIBlueprint, Schema
from apiflask.fields import Boolean, Dict, String
from apiflask.validators import Length
from flask import url_for

from selfservice.accounts.permissions import Permission
from selfservice.operations.catalogue import Operation
from selfservice.operations.operations import ApprovalNeeded, Order
from selfservice.operations.sidecar import schema
from selfservice.operations.spec import Option
from selfservice.runs.api import IdempotencyHeader, Launched, launched
from selfservice.web.access import current_actor, current_person, requires
from selfservice.web.services import services

blueprint = APIBlueprint("operations_api", __name__, url_prefix="/api/v1", tag="Operations")


class OrderInput(Schema):
    """What to run an operation with."""

    hosts = String(required=True, validate=Length(1, 2000), metadata={"description": "An Ansible host pattern."})
    variables = Dict(
        keys=String(), load_default=dict, metadata={"description": "Values of the operation's variables, by name."}
    )
    check = Boolean(load_default=False, metadata={"description": "Only say what would change: --check --diff."})
    project = String(load_default="", metadata={"description": "Where the hosts are in several projects: which."})
    force = Boolean(load_default=False, metadata={"description": "Start it although the same is running."})


@blueprint.get("/operations")
@requires(Permission.OPERATION_ASK)
@blueprint.doc(summary="List operations")
def list_operations() -> dict[str, Any]:
    """The operations this person may run, and what is wrong with those that cannot be started."""
    return {"operations": [_shown(each) for each in services().operations.visible(current_person())]}


@blueprint.get("/operations/<name>")
@requires(Permission.OPERATION_ASK)
@blueprint.doc(summary="Look at one operation")
def show_operation(name: str) -> dict[str, Any]:
    """What it does, its variables, and which hosts it is for."""
    operation = services().operations.get(name, current_person())
    sidecar = operation.sidecar
    return {
        **_shown(operation),
        "help": sidecar.help,
        "hosts": {"default": sidecar.hosts_default, "allowed": sidecar.hosts_allowed or "all"},
        "same_running": sidecar.same_running.value,
        "preview": sidecar.preview,
        "approval": [asdict(step) for step in services().operations.approval_steps(operation, "")],
        "confirmation": sidecar.confirmation,
        "any_variables": not operation.has_spec,
        "variables": [_variable(option) for option in operation.options],
    }


@blueprint.post("/operations/<name>/runs")
@requires(Permission.OPERATION_ASK)
@blueprint.input(OrderInput)
@blueprint.input(IdempotencyHeader, location="headers")
@blueprint.output(Launched, status_code=201)
@blueprint.doc(
    summary="Run an operation, or ask for it where it needs approval",
    responses={
        202: "It is asked for",
        404: "No such operation",
        409: "The same is running, or its files are broken",
        422: "A bad value",
    },
)
def launch_operation(
    name: str, json_data: dict[str, Any], headers_data: dict[str, str]
) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Queue the operation as a run, or as a request with the id `request`; the answer says where to follow it."""
    order = Order(name, **json_data, key=headers_data["key"])
    try:
        return launched(services().operations.launch(order, current_actor(), current_person()))
    except ApprovalNeeded:
        return asked_for(services().approvals.asking.ask(order, current_actor(), current_person()))


class RequestMade(Protocol):
    """A request for approval, as much of it as the answer needs."""

    id: Any
    state: Any


def asked_for(asked: RequestMade) -> tuple[dict[str, Any], int, dict[str, str]]:
    """The answer of a route that made a request instead of a run."""
    url, location = (url_for(each, request_id=asked.id) for each in ("requests.show", "requests_api.show_request"))
    return {"request": asked.id, "state": asked.state, "url": url}, 202, {"Location": location}


@blueprint.get("/schemas/operation")
@requires(Permission.HOME_VIEW)
@blueprint.doc(summary="The JSON Schema of playbooks/operations/<name>.yml")
def show_schema() -> dict[str, Any]:
    """What a sidecar may say."""
    return schema()


def _shown(operation: Operation) -> dict[str, Any]:
    sidecar = operation.sidecar
    return {
        "name": operation.name,
        "title": operation.title,
        "category": sidecar.category,
        "description": sidecar.description,
        "danger": sidecar.danger.value,
        "launchable": operation.launchable,
        "problems": [
            {"file": problem.file, "line": problem.line, "message": problem.message} for problem in operation.problems
        ],
    }


def _variable(option: Option) -> dict[str, Any]:
    return {
        "name": option.name,
        "type": option.type,
        "elements": option.elements,
        "description": option.description,
        "required": option.required,
        "default": option.default,
        "choices": list(option.choices),
        "secret": option.secret,
        "options": [_variable(each) for each in option.options],
    }
