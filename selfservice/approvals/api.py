"""JSON routes of requests."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from apiflask import APIBlueprint, Schema
from apiflask.fields import Boolean, Dict, Integer, String
from apiflask.validators import Length, OneOf, Range
from flask import url_for

from selfservice.accounts.permissions import Permission
from selfservice.approvals.deciding import LONGEST_COMMENT
from selfservice.approvals.difference import differences
from selfservice.approvals.models import Request, State
from selfservice.approvals.reading import RequestQuery
from selfservice.approvals.story import story
from selfservice.approvals.subjects import Wish
from selfservice.web.access import current_actor, current_person, requires
from selfservice.web.services import services

blueprint = APIBlueprint("requests_api", __name__, url_prefix="/api/v1", tag="Requests")

_DECISIONS = {404: "No such request", 403: "Not yours to decide", 409: "It was changed, decided or asked again"}


class ListQuery(Schema):
    """Filter and page of the list of requests."""

    state = String(validate=OneOf([state.value for state in State]), metadata={"description": "Only those in it."})
    for_me = Boolean(load_default=False, metadata={"description": "Only those that you can decide now."})
    mine = Boolean(load_default=False, metadata={"description": "Only those that you asked for."})
    limit = Integer(load_default=50, validate=Range(1, 500))
    cursor = Integer(load_default=None, validate=Range(1, 2**31 - 1))


class CommentInput(Schema):
    """What to say."""

    comment = String(load_default="", validate=Length(max=LONGEST_COMMENT))


class DecisionInput(CommentInput):
    """What is decided, and about which version of the request."""

    revision = Integer(required=True, validate=Range(1), metadata={"description": "The `revision` you looked at."})


class RequestInput(Schema):
    """What to ask for instead; secret values that are left out stay as they are."""

    revision = Integer(required=True, validate=Range(1), metadata={"description": "The `revision` you looked at."})
    hosts = String(required=True, validate=Length(1, 2000))
    variables = Dict(keys=String(), load_default=dict, metadata={"description": "Of an operation."})
    command = String(load_default="", metadata={"description": "Where the request is about a command: which."})
    shell = Boolean(load_default=False)
    become = Boolean(load_default=False)


@blueprint.get("/requests")
@requires(Permission.REQUEST_READ)
@blueprint.input(ListQuery, location="query")
@blueprint.doc(summary="List requests for approval, newest first")
def list_requests(query_data: dict[str, Any]) -> dict[str, Any]:
    """One page of requests that you may see, and `next_cursor` for the next one."""
    state = query_data.pop("state", None)
    page = services().approvals.reading.page(
        RequestQuery(State(state) if state else None, **query_data), current_person()
    )
    return {"requests": [_row(each) for each in page.requests], "next_cursor": page.next_cursor}


@blueprint.get("/requests/<int:request_id>")
@requires(Permission.REQUEST_READ)
@blueprint.doc(summary="Look at one request")
def show_request(request_id: int) -> dict[str, Any]:
    """What is asked for, its preview, its steps, what was said, and whether you can decide it now."""
    return _shown(services().approvals.reading.get(request_id, current_person()))


@blueprint.put("/requests/<int:request_id>")
@requires(Permission.REQUEST_COMMENT)
@blueprint.input(RequestInput)
@blueprint.doc(summary="Ask for something else", responses={**_DECISIONS, 422: "A bad value, or nothing new"})
def change_request(request_id: int, json_data: dict[str, Any]) -> dict[str, Any]:
    """Every step begins again."""
    services().approvals.asking.change(request_id, Wish(**json_data), current_actor(), current_person())
    return show_request(request_id)


@blueprint.post("/requests/<int:request_id>/approve")
@requires(Permission.REQUEST_ANSWER)
@blueprint.input(DecisionInput)
@blueprint.doc(summary="Approve the present step", responses=_DECISIONS)
def approve_request(request_id: int, json_data: dict[str, Any]) -> dict[str, Any]:
    """With the last step, exactly what was previewed runs; `run_id` says where."""
    services().approvals.deciding.approve(request_id, **json_data, actor=current_actor(), person=current_person())
    return show_request(request_id)


@blueprint.post("/requests/<int:request_id>/reject")
@requires(Permission.REQUEST_ANSWER)
@blueprint.input(DecisionInput)
@blueprint.doc(summary="Reject a request", responses=_DECISIONS)
def reject_request(request_id: int, json_data: dict[str, Any]) -> dict[str, Any]:
    """It needs a comment, and ends the request."""
    services().approvals.deciding.reject(request_id, **json_data, actor=current_actor(), person=current_person())
    return show_request(request_id)


@blueprint.post("/requests/<int:request_id>/withdraw")
@requires(Permission.REQUEST_COMMENT)
@blueprint.input(CommentInput)
@blueprint.doc(summary="Withdraw your request", responses=_DECISIONS)
def withdraw_request(request_id: int, json_data: dict[str, str]) -> dict[str, Any]:
    """It will not run."""
    services().approvals.deciding.withdraw(request_id, json_data["comment"], current_actor(), current_person())
    return show_request(request_id)


@blueprint.post("/requests/<int:request_id>/comments")
@requires(Permission.REQUEST_COMMENT)
@blueprint.input(CommentInput)
@blueprint.doc(summary="Comment on a request", responses={404: "No such request"})
def comment_request(request_id: int, json_data: dict[str, str]) -> dict[str, Any]:
    """Everybody who sees the request sees it."""
    services().approvals.deciding.comment(request_id, json_data["comment"], current_actor(), current_person())
    return show_request(request_id)


def _row(found: Request) -> dict[str, Any]:
    asked = found.present.run_request
    return {
        "id": found.id,
        "state": found.state,
        "operation": found.operation,
        "title": found.title,
        "hosts": asked.hosts,
        "asked_by": found.asked_by,
        "asked_at": found.asked_at.isoformat(),
        "expires_at": found.expires_at.isoformat(),
        "revision": found.revision,
        "step": None if found.step_number is None else found.step_number + 1,
        "steps": len(found.present.steps),
        "run_id": found.run_id,
        "why": found.why,
        "url": url_for("requests.show", request_id=found.id),
    }


def _shown(found: Request) -> dict[str, Any]:
    reading, present = services().approvals.reading, found.present
    asked = present.run_request
    why_not = reading.why_not(found, current_person())
    old = found.revisions[-2] if len(found.revisions) > 1 else None
    return {
        **_row(found),
        "host_names": list(asked.host_names),
        "command": asked.command,
        "shell": asked.shell,
        "become": asked.become,
        "variables": asked.variables,
        "secret_names": list(asked.secret_names),
        "content": asked.content,
        "preview": present.preview,
        "preview_trouble": present.preview_trouble,
        "approvals": [
            {
                **asdict(step),
                "approved_by": next((vote.by for vote in found.present_votes if vote.step == number), None),
            }
            for number, step in enumerate(present.approvals_needed)
        ],
        "changed": [asdict(each) for each in differences(old, present)] if old else [],
        "events": [{**asdict(each), "at": each.at.isoformat()} for each in story(found)],
        "can_decide": not why_not,
        "why_not": why_not,
    }
