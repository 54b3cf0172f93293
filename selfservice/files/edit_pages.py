"""The pages of an edit: the editor, the review before a commit, both sides, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from apiflask import APIBlueprint
from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from selfservice.accounts.permissions import Permission
from selfservice.errors import ApplicationError, BadInput
from selfservice.files.delivery import person_of
from selfservice.files.difference import difference
from selfservice.files.edits import MOST_TEXT, MOST_UPLOAD, FileChange
from selfservice.files.errors import BranchGone, FileGone
from selfservice.files.models import Edit
from selfservice.files.moved import BaseMoved
from selfservice.files.pages import as_download
from selfservice.files.playbook_check import is_playbook
from selfservice.files.syntax import check
from selfservice.files.text import decoded, encoded
from selfservice.web.access import current_actor, current_person, requires
from selfservice.web.services import services

blueprint = APIBlueprint("edits", __name__, enable_openapi=False)

#: A form may carry as much text as is edited, and three times as much for its encoding.
_MOST_FORM = 4 * 1024 * 1024


@blueprint.url_value_preprocessor
def _take_files(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Allow what files need before anything of the request is read."""
    request.max_content_length = MOST_UPLOAD + _MOST_FORM
    request.max_form_memory_size = _MOST_FORM


@blueprint.post("/files/<name>/edit")
@requires(Permission.FILE_EDIT)
def start(name: str) -> ResponseReturnValue:
    """A temporary branch, and the editor on it."""
    path = request.form.get("path", "")
    edit = services().edits.start(name, request.form.get("branch", ""), current_actor(), path)
    if path and _text_of(_change(edit, path)) is not None:
        return redirect(url_for("edits.editor", edit_id=edit.id, path=path), 303)
    return _back(edit)


@blueprint.get("/edits/<int:edit_id>")
@requires(Permission.FILE_EDIT)
def show(edit_id: int) -> ResponseReturnValue:
    """What it changes, and what can be done with it."""
    edit = services().edits.get(edit_id, current_actor())
    try:
        edit = services().delivery.look(edit, current_actor())
    except ApplicationError as error:
        flash(error.sentence, "warning")
    return _page(edit)


@blueprint.get("/edits/<int:edit_id>/file")
@requires(Permission.FILE_EDIT)
def editor(edit_id: int) -> ResponseReturnValue:
    """The editor on the draft of one file."""
    edit = services().edits.unfinished(current_actor(), edit_id)
    change = _change(edit, request.args.get("path", ""))
    text = _text_of(change)
    if text is None:
        flash(f"{change.path} is no text, or too much of it, to be edited here; replace it by an upload.", "warning")
        return _back(edit)
    return _editor(edit, change, text)


@blueprint.post("/edits/<int:edit_id>/file")
@requires(Permission.FILE_EDIT)
def keep(edit_id: int) -> ResponseReturnValue:
    """Keep the draft; go on to the review where that was asked."""
    edit = services().edits.unfinished(current_actor(), edit_id)
    typed, path = request.form.get("content", ""), request.form.get("path", "")
    change = _change(edit, path)
    try:
        wanted = encoded(typed, change.after if change.after is not None else change.before)
        services().edits.keep(edit, path, wanted, request.form.get("version", type=int))
    except ApplicationError as error:
        return _editor(edit, change, typed, error)
    if "review" in request.form:
        return _back(edit)
    flash("The draft is kept.", "success")
    return redirect(url_for("edits.editor", edit_id=edit.id, path=path), 303)


@blueprint.get("/edits/<int:edit_id>/download")
@requires(Permission.FILE_EDIT)
def download(edit_id: int) -> ResponseReturnValue:
    """The draft of a file."""
    edit = services().edits.get(edit_id, current_actor())
    change = _change(edit, request.args.get("path", ""))
    services().edits.record_download(edit, change.path, current_actor())
    return as_download(Response(change.after or b""), change.path)


@blueprint.post("/edits/<int:edit_id>/add")
@requires(Permission.FILE_EDIT)
def add(edit_id: int) -> ResponseReturnValue:
    """A new file, empty or uploaded, or another version of one that is there."""
    edit = services().edits.unfinished(current_actor(), edit_id)
    sent = request.files.get("file")
    path = request.form.get("path", "").strip() or (sent.filename if sent else "") or ""
    content = sent.stream.read() if sent and sent.filename else b""
    if sent:
        sent.close()

    def put() -> None:
        if request.form.get("replace") == "yes":
            services().edits.keep(edit, _change(edit, path).path, content)
        else:
            services().edits.add(edit, path, content)

    refused = _tried(edit, put)
    if refused or (sent and sent.filename):
        return refused or _back(edit)
    return redirect(url_for("edits.editor", edit_id=edit.id, path=path), 303)


@blueprint.post("/edits/<int:edit_id>/rename")
@requires(Permission.FILE_EDIT)
def rename(edit_id: int) -> ResponseReturnValue:
    """Give a file another path."""
    edit = services().edits.unfinished(current_actor(), edit_id)
    path, to = request.form.get("path", ""), request.form.get("to", "").strip()
    return _tried(edit, lambda: services().edits.rename(edit, path, to)) or _back(edit)


@blueprint.post("/edits/<int:edit_id>/remove")
@requires(Permission.FILE_EDIT)
def remove(edit_id: int) -> ResponseReturnValue:
    """Delete a file."""
    edit = services().edits.unfinished(current_actor(), edit_id)
    path = request.form.get("path", "").strip()
    return _tried(edit, lambda: services().edits.remove(edit, path)) or _back(edit)


@blueprint.post("/edits/<int:edit_id>/leave-out")
@requires(Permission.FILE_EDIT)
def leave_out(edit_id: int) -> ResponseReturnValue:
    """Undo what the edit does to a file."""
    edit = services().edits.unfinished(current_actor(), edit_id)
    return _tried(edit, lambda: services().edits.leave_out(edit, request.form.get("path", ""))) or _back(edit)


@blueprint.post("/edits/<int:edit_id>/commit")
@requires(Permission.FILE_EDIT)
def commit(edit_id: int) -> ResponseReturnValue:
    """Commit every draft of the edit at once."""
    edit = services().edits.unfinished(current_actor(), edit_id)
    wrong = [f"{change.path}: {mistake}" for change, mistake in _mistakes(edit)]
    if wrong and request.form.get("anyway") != "yes":
        return _page(
            edit, BadInput(f"Nothing was committed. {wrong[0]} Correct it, or commit it all the same.", "anyway")
        )
    refused = _tried(
        edit,
        lambda: flash(
            "Committed as "
            + services().delivery.commit(edit, request.form.get("message", ""), current_actor(), _author())[:12]
            + ".",
            "success",
        ),
    )
    return refused or _back(edit)


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
    return _back(edit)


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

    return _tried(edit, ask) or _back(edit)


@blueprint.post("/edits/<int:edit_id>/merge")
@requires(Permission.FILE_MERGE)
def merge(edit_id: int) -> ResponseReturnValue:
    """Take the branch in and remove it."""
    edit = services().edits.unfinished(current_actor(), edit_id)
    refused = _tried(edit, lambda: services().delivery.merge(edit, current_actor(), _author()))
    if refused:
        return refused
    flash(f"Merged into {edit.base_branch}; the temporary branch is removed.", "success")
    return _back(edit)


@blueprint.post("/edits/<int:edit_id>/check")
@requires(Permission.FILE_EDIT)
def check_playbooks(edit_id: int) -> ResponseReturnValue:
    """Have Ansible read its playbooks, as they would be after the commit."""
    edit = services().edits.unfinished(current_actor(), edit_id)
    try:
        said = services().playbook_check.of(edit)
    except ApplicationError as error:
        return _page(edit, error)
    return _page(edit, advice=said)


@blueprint.post("/edits/<int:edit_id>/discard")
@requires(Permission.FILE_EDIT)
def discard(edit_id: int) -> ResponseReturnValue:
    """Give it up."""
    edit = services().edits.unfinished(current_actor(), edit_id)
    refused = _tried(edit, lambda: services().delivery.discard(edit, current_actor()))
    if refused:
        return refused
    flash("The edit is discarded and its branch removed.", "success")
    return redirect(url_for("files.index"), 303)


def _tried(edit: Edit, deed: Callable[[], object]) -> ResponseReturnValue | None:
    """None where it worked; else the page that says why not, or the sides that have to be looked at."""
    try:
        deed()
    except BaseMoved as moved:
        flash(moved.sentence, "warning")
        return redirect(url_for("edits.sides", edit_id=edit.id), 303)
    except BranchGone as gone:
        flash(f"{gone.sentence} Your drafts are kept: go on from what is there now.", "warning")
        return redirect(url_for("edits.sides", edit_id=edit.id), 303)
    except ApplicationError as error:
        return _page(services().edits.get(edit.id, current_actor()), error)
    return None


def _page(
    edit: Edit, error: ApplicationError | None = None, advice: dict[str, str] | None = None
) -> ResponseReturnValue:
    record = services().repositories.by_id(edit.repository_id)
    changes = services().edits.changes(edit)
    rows = [(each, difference(each.before, each.after), _text_of(each) is not None) for each in changes]
    return render_template(
        "files/edit.html",
        record=record,
        edit=edit,
        rows=[row for row in rows if row[0].before != row[0].after],
        untouched=[row[0] for row in rows if row[0].before == row[0].after],
        mistakes=_mistakes(edit, changes),
        advice=advice,
        has_playbooks=any(is_playbook(row[0]) for row in rows),
        commit_url=services().repositories.open(record).commit_url,
        error=error.sentence if error and not getattr(error, "field", None) else "",
        errors={error.field: error.sentence} if isinstance(error, BadInput) and error.field else {},
        typed=request.form,
        may_merge=current_person().may(Permission.FILE_MERGE),
    ), error.status if error else 200


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


def _editor(edit: Edit, change: FileChange, text: str, error: ApplicationError | None = None) -> ResponseReturnValue:
    found = decoded(change.after if change.after is not None else change.before or b"")
    return render_template(
        "files/editor.html",
        record=services().repositories.by_id(edit.repository_id),
        edit=edit,
        change=change,
        content=text,
        text=found,
        draft_version=request.form.get("version", change.version),
        error=error.sentence if error else "",
        mistake=check(change.path, change.after) if change.after and not error else None,
    ), error.status if error else 200


def _mistakes(edit: Edit, changes: list[FileChange] | None = None) -> list[tuple[FileChange, str]]:
    found = services().edits.changes(edit) if changes is None else changes
    checked = [(each, check(each.path, each.after)) for each in found if each.after is not None]
    return [(each, str(mistake)) for each, mistake in checked if mistake and each.after != each.before]


def _change(edit: Edit, path: str) -> FileChange:
    for each in services().edits.changes(edit):
        if each.path == path:
            return each
    raise FileGone(f"{path} is not part of this edit.")


def _text_of(change: FileChange) -> str | None:
    """Its draft as text, or None where it cannot be edited as text."""
    if change.after is None or len(change.after) > MOST_TEXT:
        return None
    found = decoded(change.after)
    return found.text if found else None


def _author() -> Any:
    return person_of(current_actor())


def _back(edit: Edit) -> ResponseReturnValue:
    return redirect(url_for("edits.show", edit_id=edit.id), 303)
