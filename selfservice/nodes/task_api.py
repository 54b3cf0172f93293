"""The task API of the master: its own worker does the work, for people and for nodes that may ask."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import Response, request

from selfservice.accounts.permissions import Permission
from selfservice.audit.actions import Action, Kind, Outcome
from selfservice.errors import Forbidden, NotFound
from selfservice.nodes import http
from selfservice.nodes.http import Answer
from selfservice.web.access import current_actor, current_node, requires
from selfservice.web.json_body import json_object
from selfservice.web.passed_on import passed_on
from selfservice.web.services import services

blueprint = APIBlueprint("tasks_api", __name__, url_prefix="/api/v1/tasks", tag="Tasks")

_SECONDS = 75


class TypeNotAllowed(Forbidden):
    """A node asked for a task that it may not ask for."""

    problem_type = "task-type-not-allowed"


@blueprint.get("/types")
@requires(Permission.TASK_RUN, nodes_too=True)
@blueprint.doc(summary="List task types, each with the JSON Schema of its parameters")
def types() -> Response:
    """What this master can do."""
    return passed_on(_ask("GET", "/types"))


@blueprint.post("")
@requires(Permission.TASK_RUN, nodes_too=True)
@blueprint.doc(
    summary="Run a task on the master",
    responses={202: "It takes longer than `wait` seconds", 429: "Too many at the same time"},
)
def start() -> Response:
    """`{"type", "params", "wait"?}`: 200 with the result, or 202 with its address where it takes longer."""
    body = json_object()
    _check_type(str(body.get("type", "")))
    body.pop("target", None)
    key = request.headers.get("Idempotency-Key", "")
    return passed_on(_ask("POST", "", body, {"Idempotency-Key": key} if key else {}))


@blueprint.get("")
@requires(Permission.TASK_RUN)
@blueprint.doc(summary="List tasks of the master, the newest first")
def index() -> Response:
    """All that are kept, or those in the `state` that is asked for."""
    query = f"?state={state}" if (state := request.args.get("state", "")).isalpha() else ""
    return passed_on(_ask("GET", query))


@blueprint.get("/<task_id>")
@requires(Permission.TASK_RUN, nodes_too=True)
@blueprint.doc(summary="One task of the master")
def show(task_id: str) -> Response:
    """How it stands, and its result once it has one."""
    return passed_on(_of_asker(task_id))


@blueprint.post("/<task_id>/cancel")
@requires(Permission.TASK_RUN, nodes_too=True)
@blueprint.doc(summary="Cancel a task of the master", responses={409: "It has already ended"})
def cancel(task_id: str) -> Response:
    """End it early."""
    _of_asker(task_id)
    return passed_on(_ask("POST", f"/{task_id}/cancel", {}))


def _of_asker(task_id: str) -> Answer:
    """A task; a node is told of its own alone. Raises NotFound."""
    if not task_id.replace("-", "").isalnum():
        raise NotFound("This master knows no such task.")
    answer, node = _ask("GET", f"/{task_id}"), current_node()
    if node is not None and answer.status in (200, 202) and answer.json().get("requested_by") != node.name:
        raise NotFound(f"This master knows no task {task_id} of {node.name}.")
    return answer


def _check_type(task_type: str) -> None:
    node = current_node()
    if node is None or node.own or task_type in node.may_ask:
        return
    services().journal.append(Action(Kind.TASK_START, current_actor(), task_type[:80], outcome=Outcome.REFUSED))
    raise TypeNotAllowed(
        f"{node.name} may not ask this master for {task_type[:80]!r}; an administrator can allow it on the node's page."
    )


def _ask(method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
    """Ask this master's own worker, in the name of whoever asks."""
    own = services().nodes.own()
    call = http.Call(
        method,
        f"{own.address}/api/v1/tasks{path}",
        services().nodes.calling_token(own),
        body,
        {**(headers or {}), http.ON_BEHALF: current_actor().name},
        seconds=_SECONDS,
    )
    return http.send(services().settings, call)
