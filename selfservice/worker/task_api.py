"""The task API of a node: what it can do, start, look, cancel."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import Response, jsonify, request
from flask.typing import ResponseReturnValue

from selfservice.audit.actions import Action, Actor, Kind
from selfservice.nodes.http import ON_BEHALF
from selfservice.tasks import answers, forms
from selfservice.web.json_body import json_object
from selfservice.web.passed_on import passed_on
from selfservice.worker.services import worker_services

blueprint = APIBlueprint("tasks", __name__, url_prefix="/api/v1/tasks", tag="Tasks")

_LONGEST_NAME = 64


@blueprint.get("/types")
def types() -> ResponseReturnValue:
    """What this node can do."""
    return answers.types(worker_services().tasks)


@blueprint.post("")
def start() -> ResponseReturnValue:
    """Start a task: 200 with its result, or 202 where it takes longer than `wait` seconds."""
    body = json_object()
    wanted, wait = forms.task_request(body, request.headers.get("Idempotency-Key", "")), forms.wait_seconds(body)
    if body.get("target") == "master":
        return _forward(body, wanted.type)
    tasks = worker_services().tasks
    task = tasks.start(wanted, _actor())
    return answers.of_task(tasks.wait(task.id, wait), tasks)


@blueprint.get("")
def index() -> ResponseReturnValue:
    """The tasks of this node, the newest first."""
    state = forms.state_of(request.args.get("state", ""))
    return jsonify(tasks=[task.shown() for task in worker_services().tasks.all(state)])


@blueprint.get("/<task_id>")
def show(task_id: str) -> ResponseReturnValue:
    """One task; one that was forwarded is asked of the master."""
    own = worker_services()
    if task_id in own.forwarded:
        return passed_on(own.master.ask("GET", f"/api/v1/tasks/{task_id}"))
    return answers.of_task(own.tasks.get(task_id), own.tasks)


@blueprint.post("/<task_id>/cancel")
def cancel(task_id: str) -> ResponseReturnValue:
    """End a task early."""
    own = worker_services()
    if task_id in own.forwarded:
        return passed_on(own.master.ask("POST", f"/api/v1/tasks/{task_id}/cancel", {}))
    return jsonify(own.tasks.cancel(task_id, _actor()).shown())


def _actor() -> Actor:
    """Whoever the master says it asks for; the master is the only one who gets here."""
    name = request.headers.get(ON_BEHALF, "").strip()[:_LONGEST_NAME]
    return Actor(name if name and name.isprintable() else "master", "node", request.remote_addr or "unknown")


def _forward(body: dict[str, Any], task_type: str) -> Response:
    """Let the master do it, under its own rules; both write it down."""
    own = worker_services()
    own.journal.append(Action(Kind.TASK_FORWARD, _actor(), task_type))
    sent = {name: value for name, value in body.items() if name != "target"}
    key = request.headers.get("Idempotency-Key")
    answer = own.master.ask("POST", "/api/v1/tasks", sent, {"Idempotency-Key": key} if key else None)
    if answer.status in (200, 202):
        own.forwarded.note(str(answer.json().get("id", "")))
    return passed_on(answer)
