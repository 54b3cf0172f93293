"""The pages that bring an edit back: commit, both sides, pull request, merge, and giving it up."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from selfservice.accounts.permissions import Permission
from selfservice.errors import ApplicationError, BadInput
from selfservice.files.delivery import person_of
from selfservice.files.difference import difference
from selfservice.files.edit_view import back, mistakes, page, take_files, tried
from selfservice.files.models import Edit
from selfservice.files.moved import BaseMoved
from selfservice.files.text import decoded, encoded
from selfservice.web.access import current_actor, current_person, requires
from selfservice.web.services import services

blueprint = APIBlueprint("delivery", __name__, enable_openapi=False)
blueprint.url_value_preprocessor(take_files)


@blueprint.post("/edits/<int:edit_id>/commit")
@requires(Permission.FILE_EDIT)
def commit(edit_id: int) -> ResponseReturnValue:
    """Commit every draft of the edit at once."""
    edit = services().edits.unfinished(current_actor(), edit_id)
    wrong = [f"{change.path}: {mistake}" for change, mistake in mistakes(edit)]
    if wrong and request.form.get("anyway") != "yes":
        return page(
            edit, BadInput(f"Nothing was committed. {wrong[0]} Correct it, or commit it all the same.", "anyway")
        )

    def send() -> None:
        made = services().delivery.commit(
            edit,
            request.form.get("message", ""),
            current_actor(),
            person_of(current_actor()),
            may_merge=current_person().may(Permission.FILE_MERGE),
        )
        flash(f"Committed as {made[:12]}.", "success")

    refused = tried(edit, send)
    return refused or back(edit)


@blueprint.get("/edits/<int:edit_id>/sides")
@requires(Permission.FILE_EDIT)
def sides(edit_id: int) -> ResponseReturnValue:
    """What was, what others made of it, what I made of it, and all brought together."""
    return _sides(services().edits.unfinished(current_actor(), edit_id))


@blueprint.post("/edits/<int:edit_id>/sides")
@requires(Permission.FILE_EDIT)
def take_over(edit_id: int) -> ResponseReturnValue:
    """Go on from what is on the base branch now, with what was decided."""
    edit = services().edits.unfinished(current_actor(), edit_id)
    _, contested = services().delivery.contested(edit)
    decided: dict[str, bytes | None] = {}
    try:
        for number, side in enumerate(contested):
            choice = request.form.get(f"choice-{number}", "")
            if request.form.get(f"path-{number}") != side.path or choice not in ("merged", "mine", "theirs"):
                raise BaseMoved(f"{edit.base_branch} has changed once more. Look at what is there now.")
            typed = encoded(request.form.get(f"content-{number}", ""), side.mine or side.theirs)
            decided[side.path] = {"merged": typed, "mine": side.mine, "theirs": side.theirs}[choice]
        seen = request.form.get("seen", "")
        services().delivery.take_over(edit, seen, decided, current_actor())
    except ApplicationError as error:
        return _sides(edit, error)
    flash("You go on from what is there now. Look at the difference, then commit.", "success")
    return back(edit)


@blueprint.post("/edits/<int:edit_id>/pull-request")
@requires(Permission.FILE_EDIT)
def pull_request(edit_id: int) -> ResponseReturnValue:
    """Ask for the branch to be taken in."""
    edit = services().edits.unfinished(current_actor(), edit_id)
    form = request.form
    reviewers = tuple(form.get("reviewers", "").replace(",", " ").split())
    title, description = form.get("title", ""), form.get("description", "")

    def ask() -> None:
        services().delivery.open_pull_request(edit, title, description, reviewers, current_actor())

    return tried(edit, ask) or back(edit)


@blueprint.post("/edits/<int:edit_id>/merge")
@requires(Permission.FILE_MERGE)
def merge(edit_id: int) -> ResponseReturnValue:
    """Take the branch in and remove it."""
    edit = services().edits.unfinished(current_actor(), edit_id)
    refused = tried(edit, lambda: services().delivery.merge(edit, current_actor(), person_of(current_actor())))
    if refused:
        return refused
    flash(f"Merged into {edit.base_branch}; the temporary branch is removed.", "success")
    return back(edit)


@blueprint.post("/edits/<int:edit_id>/check")
@requires(Permission.FILE_EDIT)
def check_playbooks(edit_id: int) -> ResponseReturnValue:
    """Have Ansible read its playbooks, as they would be after the commit."""
    edit = services().edits.unfinished(current_actor(), edit_id)
    try:
        said = services().playbook_check.of(edit)
    except ApplicationError as error:
        return page(edit, error)
    return page(edit, advice=said)


@blueprint.post("/edits/<int:edit_id>/discard")
@requires(Permission.FILE_EDIT)
def discard(edit_id: int) -> ResponseReturnValue:
    """Give it up."""
    edit = services().edits.unfinished(current_actor(), edit_id)
    refused = tried(edit, lambda: services().delivery.discard(edit, current_actor()))
    if refused:
        return refused
    flash("The edit is discarded and its branch removed.", "success")
    return redirect(url_for("files.index"), 303)


def _sides(edit: Edit, error: ApplicationError | None = None) -> ResponseReturnValue:
    base, contested = services().delivery.contested(edit)
    rows = []
    for side in contested:
        merged = side.merged
        text = decoded(merged.content) if merged.conflicts is not None else None
        differences = {
            "theirs": difference(side.before, side.theirs),
            "mine": difference(side.before, side.mine),
        }
        rows.append((side, merged, text.text if text else None, differences))
    return render_template(
        "files/sides.html",
        record=services().repositories.by_id(edit.repository_id),
        edit=edit,
        base=base,
        rows=rows,
        error=error.sentence if error else "",
        typed=request.form,
    ), error.status if error else 200
