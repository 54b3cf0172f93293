"""The pages of requests: those that wait, one of them, and what can be said to it."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from selfservice.accounts.permissions import Permission
from selfservice.approvals.difference import differences, shown
from selfservice.approvals.errors import AskedAgain, RequestEnded
from selfservice.approvals.models import Request, State
from selfservice.approvals.reading import RequestQuery
from selfservice.approvals.story import story
from selfservice.approvals.subjects import Wish
from selfservice.commands.commands import Command, command_of
from selfservice.commands.pages import command_form
from selfservice.errors import ApplicationError, BadInput
from selfservice.operations import sent
from selfservice.operations.form_page import Changing, form_page
from selfservice.operations.sent import Given
from selfservice.operations.values import ValueErrors
from selfservice.runs import results
from selfservice.runs.changes import readable
from selfservice.runs.errors import RunNotFound
from selfservice.web.access import current_actor, current_person, requires
from selfservice.web.services import services

blueprint = APIBlueprint("requests", __name__, enable_openapi=False)

_SHOWN = {"for-me": "Waiting for me", "mine": "Asked by me", "all": "All"}


@blueprint.get("/requests")
@requires(Permission.REQUEST_READ)
def index() -> ResponseReturnValue:
    """Requests, newest first; `show`, `state` and `cursor` in the address."""
    wanted = request.args.get("show", "all")
    state, cursor = request.args.get("state", ""), request.args.get("cursor", "")
    if wanted not in _SHOWN or (state and state not in list(State)) or not (cursor == "" or cursor.isdecimal()):
        raise BadInput("There is no such list of requests.")
    reading, person = services().approvals.reading, current_person()
    query = RequestQuery(
        State(state) if state else None,
        mine=wanted == "mine",
        for_me=wanted == "for-me",
        cursor=int(cursor[:9]) if cursor else None,
    )
    return render_template(
        "approvals/_rows.html" if "rows" in request.args else "approvals/index.html",
        page=reading.page(query, person),
        for_me={each.id for each in reading.waiting_for(person)},
        show=wanted,
        titles=_SHOWN,
        states=list(State),
        state=state,
        cursor=cursor,
    )


@blueprint.get("/requests/<int:request_id>")
@requires(Permission.REQUEST_READ)
def show(request_id: int) -> ResponseReturnValue:
    """What is asked for, its preview, its steps and what was said; `part` for what of it changes by itself."""
    return _page(request_id)


@blueprint.post("/requests/<int:request_id>/approve")
@requires(Permission.REQUEST_ANSWER)
def approve(request_id: int) -> ResponseReturnValue:
    """Agree to the revision that was shown."""
    deciding = services().approvals.deciding
    try:
        found = deciding.approve(request_id, _revision(), _comment(), current_actor(), current_person())
    except AskedAgain as error:
        flash(error.sentence, "warning")
        return _back(request_id)
    except ApplicationError as error:
        return _refused(request_id, error)
    flash("Approved; it waits for the next step." if found.step else "Approved, and it starts now.", "success")
    return _back(request_id)


@blueprint.post("/requests/<int:request_id>/reject")
@requires(Permission.REQUEST_ANSWER)
def reject(request_id: int) -> ResponseReturnValue:
    """Say no to the revision that was shown."""
    try:
        services().approvals.deciding.reject(request_id, _revision(), _comment(), current_actor(), current_person())
    except ApplicationError as error:
        return _refused(request_id, error)
    flash("Rejected. Whoever asked for it is told.", "success")
    return _back(request_id)


@blueprint.post("/requests/<int:request_id>/withdraw")
@requires(Permission.REQUEST_COMMENT)
def withdraw(request_id: int) -> ResponseReturnValue:
    """Ask for it no longer."""
    services().approvals.deciding.withdraw(request_id, _comment(), current_actor(), current_person())
    flash("Withdrawn: it will not run.", "success")
    return _back(request_id)


@blueprint.post("/requests/<int:request_id>/comments")
@requires(Permission.REQUEST_COMMENT)
def comment(request_id: int) -> ResponseReturnValue:
    """Say something about it."""
    try:
        services().approvals.deciding.comment(request_id, _comment(), current_actor(), current_person())
    except ApplicationError as error:
        return _refused(request_id, error)
    return _back(request_id)


@blueprint.get("/requests/<int:request_id>/change")
@requires(Permission.REQUEST_COMMENT)
def edit(request_id: int) -> ResponseReturnValue:
    """The form of the operation, filled with what is asked for."""
    found = services().approvals.reading.get(request_id, current_person())
    asked = found.present.run_request
    if not found.operation:
        return _command_form(found, command_of(asked))
    return _form(found, asked.hosts, Given(dict(asked.variables)))


@blueprint.post("/requests/<int:request_id>/change")
@requires(Permission.REQUEST_COMMENT)
def change(request_id: int) -> ResponseReturnValue:
    """Ask for what the form says instead."""
    person = current_person()
    found = services().approvals.reading.get(request_id, person)
    if not found.operation:
        return _change_command(found)
    operation = services().operations.catalogue.get(found.operation)
    hosts, given = request.form.get("hosts", ""), sent.read(operation, request.form)
    if given.errors:
        return _form(found, hosts, given, BadInput("Some values cannot be used; see below."))
    asking = services().approvals.asking
    try:
        asking.change(request_id, Wish(_revision(), hosts, given.values), current_actor(), person)
    except ValueErrors as error:
        given.errors = error.errors
        return _form(found, hosts, given, error)
    except BadInput as error:
        return _form(found, hosts, given, error)
    flash("It is asked for as you wrote it; every step begins again.", "success")
    return _back(request_id)


def _change_command(found: Request) -> ResponseReturnValue:
    sent_form = request.form
    command = Command(
        sent_form.get("command", ""),
        sent_form.get("hosts", ""),
        shell="shell" in sent_form,
        become="become" in sent_form,
        project=found.present.run_request.project,
    )
    wish = Wish(_revision(), command.hosts, command=command.command, shell=command.shell, become=command.become)
    try:
        services().approvals.asking.change(found.id, wish, current_actor(), current_person())
    except BadInput as error:
        return _command_form(found, command, error)
    flash("It is asked for as you wrote it; every step begins again.", "success")
    return _back(found.id)


def _command_form(found: Request, command: Command, error: ApplicationError | None = None) -> ResponseReturnValue:
    return command_form(command, error, _changing(found))


def _changing(found: Request) -> Changing:
    if not services().approvals.reading.may_change(found, current_person()):
        raise RequestEnded("This request cannot be changed by you, or not any more; ask anew.")
    return Changing(found.id, found.revision, url_for("requests.change", request_id=found.id))


def _form(found: Request, hosts: str, given: Given, error: ApplicationError | None = None) -> ResponseReturnValue:
    operation = services().operations.catalogue.get(found.operation)
    return form_page(operation, hosts, given, error, _changing(found))


def _page(request_id: int, error: ApplicationError | None = None) -> ResponseReturnValue:
    approvals, person = services().approvals, current_person()
    found = approvals.reading.get(request_id, person)
    why_not = approvals.reading.why_not(found, person)
    asked = found.present.run_request
    return render_template(
        "approvals/_part.html" if "part" in request.args else "approvals/show.html",
        asked=found,
        present=found.present,
        wanted=asked,
        variables={name: shown(value) for name, value in asked.variables.items()},
        changed=differences(found.revisions[-2], found.present) if len(found.revisions) > 1 else [],
        steps=_steps(found),
        deciders=approvals.reading.deciders(found) if found.step else [],
        preview=_preview(found),
        events=story(found),
        why_not=why_not,
        open=State(found.state).open,
        may_change=approvals.reading.may_change(found, person),
        may_withdraw=State(found.state).open and (person.person_name == found.person or person.is_administrator),
        may_open_operation=person.may(Permission.OPERATION_ASK),
        may_answer=person.may(Permission.REQUEST_COMMENT),
        may_read_runs=person.may(Permission.RUN_READ),
        trouble=error.sentence if error else "",
        typed=request.form,
    ), error.status if error else 200


def _steps(found: Request) -> list[dict[str, Any]]:
    votes = {vote.step: vote for vote in found.present_votes}
    return [
        {"step": step, "vote": votes.get(number), "now": number == found.step_number and found.state == State.WAITING}
        for number, step in enumerate(found.present.approvals_needed)
    ]


def _preview(found: Request) -> dict[str, Any] | None:
    """How the preview went; None where there is none, or it was removed."""
    revision = found.present
    if revision.preview is None:
        return None
    try:
        folder = services().runs.folder(revision.preview)
        status, made = folder.status(), results.of(folder)
    except RunNotFound:
        return None
    return {
        "id": revision.preview,
        "status": status,
        "recap": [made.hosts[name] for name in sorted(made.hosts)],
        "changes": readable(made),
    }


def _refused(request_id: int, error: ApplicationError) -> ResponseReturnValue:
    if error.status == 404:
        raise error
    return _page(request_id, error)


def _back(request_id: int) -> ResponseReturnValue:
    return redirect(url_for("requests.show", request_id=request_id), 303)


def _comment() -> str:
    return request.form.get("comment", "")


def _revision() -> int:
    text = request.form.get("revision", "")
    if not (text.isascii() and text.isdecimal()) or len(text) > 9:
        raise BadInput("Say which version of the request you mean.", "revision")
    return int(text)
