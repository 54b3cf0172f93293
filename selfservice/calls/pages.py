"""The pages of API calls."""

from __future__ import annotations

import json
import secrets
from typing import Any

from apiflask import APIBlueprint
from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from selfservice.accounts.permissions import Permission
from selfservice.calls.call import Call, CallKind
from selfservice.calls.calls import METHODS, counts
from selfservice.calls.sent import call_of_form
from selfservice.errors import BadInput, Forbidden
from selfservice.tasks.task_type import TaskType
from selfservice.tasks.task_types import UnknownTaskType
from selfservice.web.access import current_actor, current_person, requires
from selfservice.web.once import form_key
from selfservice.web.services import services

blueprint = APIBlueprint("calls", __name__, enable_openapi=False)

#: What the choice of types has for a request of one's own.
ANY_PATH = "http"
_LATEST = 20


@blueprint.get("/calls")
@requires(Permission.CALL_SEND)
def index() -> ResponseReturnValue:
    """Choose nodes and a task, fill its form; the latest calls beside it."""
    return _form(request.args.get("type", ""))


@blueprint.post("/calls")
@requires(Permission.CALL_SEND)
def send() -> ResponseReturnValue:
    """Send it, or say what is wrong."""
    chosen = request.form.get("type", "")
    if chosen == ANY_PATH and not current_person().may(Permission.CALL_ANY_PATH):
        raise Forbidden("You may send tasks, not requests to any path of a node.")
    try:
        schema = None if chosen == ANY_PATH else services().task_types.get(chosen).schema()
        new = call_of_form(request.form, schema, form_key())
        if new.kind is CallKind.TASK:
            services().task_types.get(new.type).check(new.params)
        call = services().calls.send(new, current_actor())
    except BadInput as error:
        return _form(chosen, error), error.status
    return redirect(url_for("calls.show", call_id=call.id), 303)


@blueprint.get("/calls/<call_id>")
@requires(Permission.CALL_SEND)
def show(call_id: str) -> ResponseReturnValue:
    """One call, its answers as they come."""
    return render_template("calls/show.html", **_shown(call_id))


@blueprint.get("/calls/<call_id>/answers")
@requires(Permission.CALL_SEND)
def answers(call_id: str) -> ResponseReturnValue:
    """The answers alone, for a page that follows them."""
    return render_template("calls/_answers.html", **_shown(call_id))


def _shown(call_id: str) -> dict[str, Any]:
    call = services().calls.files.get(call_id)
    found = services().calls.files.answers(call)
    return {
        "call": call,
        "title": _title(call),
        "answers": found,
        "counts": counts(found),
        "open": any(not answer.state.ended for answer in found),
        "sent": json.dumps(_sent_words(call.what), indent=2, ensure_ascii=False),
    }


def _title(call: Call) -> str:
    """What people call it: the title of its task type, where this master has one."""
    known = _type(call.what.type) if call.what.kind is CallKind.TASK else None
    return known.title if known else call.what.title


def _sent_words(what: Any) -> dict[str, Any]:
    if what.kind is CallKind.TASK:
        return {"type": what.type, "params": what.params}
    return {"method": what.method, "path": what.path, "headers": what.headers, "body": what.body}


def _form(chosen: str, error: BadInput | None = None) -> str:
    types, may_any = services().task_types.all(), current_person().may(Permission.CALL_ANY_PATH)
    task_type = _type(chosen) if chosen != ANY_PATH or not may_any else None
    if task_type is None and not (chosen == ANY_PATH and may_any):
        task_type = types[0]
    return render_template(
        "calls/index.html",
        types=types,
        task_type=task_type,
        schema=task_type.schema() if task_type else None,
        nodes=[node for node in services().nodes.all() if not node.revoked],
        chosen_nodes=request.values.getlist("nodes"),
        latest=[
            (call, _title(call), services().calls.counts_of(call)) for call in services().calls.files.latest(_LATEST)
        ],
        typed=request.values,
        errors={error.field: error.sentence} if error else {},
        trouble=error.sentence if error and not error.field else "",
        methods=METHODS,
        key=secrets.token_urlsafe(12),
        may_any_path=may_any,
    )


def _type(name: str) -> TaskType | None:
    try:
        return services().task_types.get(name)
    except UnknownTaskType:
        return None
