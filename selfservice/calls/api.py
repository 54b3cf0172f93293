"""JSON routes of calls: send one, see the answers."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import request

from selfservice.accounts.permissions import Permission
from selfservice.calls.call import Call, CallKind
from selfservice.calls.calls import counts
from selfservice.calls.sent import call_of_json
from selfservice.errors import Forbidden
from selfservice.web.access import current_actor, current_person, requires
from selfservice.web.json_body import json_object
from selfservice.web.services import services

blueprint = APIBlueprint("calls_api", __name__, url_prefix="/api/v1", tag="API calls")

_LATEST = 50


@blueprint.post("/calls")
@requires(Permission.CALL_SEND)
@blueprint.doc(summary="Send a task, or a request, to nodes", responses={403: "The right to any path is missing"})
def send() -> tuple[dict[str, Any], int, dict[str, str]]:
    """`{"nodes", "type", "params", "wait"?}`, or `{"nodes", "method", "path", "headers"?, "body"?}`.

    It is sent in the background; Location tells where the answers come together.
    """
    new = call_of_json(json_object(), request.headers.get("Idempotency-Key", "")[:255])
    if new.kind is CallKind.HTTP and not current_person().may(Permission.CALL_ANY_PATH):
        raise Forbidden(
            f"This needs the right “{Permission.CALL_ANY_PATH}”, which {current_person().name} does not have."
        )
    call = services().calls.send(new, current_actor())
    return _shown(call), 202, {"Location": f"/api/v1/calls/{call.id}"}


@blueprint.get("/calls")
@requires(Permission.CALL_SEND)
@blueprint.doc(summary="List calls, the newest first")
def index() -> dict[str, Any]:
    """The latest, or with `before` those before that id; without their answers."""
    calls = services().calls.files.latest(_LATEST, request.args.get("before", ""))
    return {"calls": [call.to_json() for call in calls]}


@blueprint.get("/calls/<call_id>")
@requires(Permission.CALL_SEND)
@blueprint.doc(summary="A call with all answers")
def show(call_id: str) -> dict[str, Any]:
    """What each node has answered so far."""
    return _shown(services().calls.files.get(call_id))


def _shown(call: Call) -> dict[str, Any]:
    answers = services().calls.files.answers(call)
    return {
        **call.to_json(),
        "counts": counts(answers),
        "ended": all(answer.state.ended for answer in answers),
        "answers": [answer.to_json() for answer in answers],
    }
