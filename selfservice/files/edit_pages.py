"""The pages of an edit: its start, the editor, and its files one by one."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from selfservice.accounts.permissions import Permission
from selfservice.errors import ApplicationError
from selfservice.files.edit_view import back, page, take_files, text_of, tried
from selfservice.files.edits import FileChange
from selfservice.files.errors import FileGone
from selfservice.files.models import Edit
from selfservice.files.pages import as_download
from selfservice.files.syntax import check
from selfservice.files.text import decoded, encoded
from selfservice.web.access import current_actor, requires
from selfservice.web.services import services

blueprint = APIBlueprint("edits", __name__, enable_openapi=False)
blueprint.url_value_preprocessor(take_files)


@blueprint.post("/files/<name>/edit")
@requires(Permission.FILE_EDIT)
def start(name: str) -> ResponseReturnValue:
    """A temporary branch, and the editor on it."""
    path = request.form.get("path", "")
    edit = services().edits.start(name, request.form.get("branch", ""), current_actor(), path)
    if path and text_of(_change(edit, path)) is not None:
        return redirect(url_for("edits.editor", edit_id=edit.id, path=path), 303)
    return back(edit)


@blueprint.get("/edits/<int:edit_id>")
@requires(Permission.FILE_EDIT)
def show(edit_id: int) -> ResponseReturnValue:
    """What it changes, and what can be done with it."""
    edit = services().edits.get(edit_id, current_actor())
    try:
        seen = services().delivery.look(edit, current_actor())
    except ApplicationError as error:
        flash(error.sentence, "warning")
        return page(edit)
    if edit.pull_request is not None and seen.pull_request is None:
        flash(f"Pull request {edit.pull_request} was declined; what is committed stays on the branch.", "warning")
    return page(seen)


@blueprint.get("/edits/<int:edit_id>/file")
@requires(Permission.FILE_EDIT)
def editor(edit_id: int) -> ResponseReturnValue:
    """The editor on the draft of one file."""
    edit = services().edits.unfinished(current_actor(), edit_id)
    change = _change(edit, request.args.get("path", ""))
    text = text_of(change)
    if text is None:
        flash(f"{change.path} is no text, or too much of it, to be edited here; replace it by an upload.", "warning")
        return back(edit)
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
        return back(edit)
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

    refused = tried(edit, put)
    if refused or (sent and sent.filename):
        return refused or back(edit)
    return redirect(url_for("edits.editor", edit_id=edit.id, path=path), 303)


@blueprint.post("/edits/<int:edit_id>/rename")
@requires(Permission.FILE_EDIT)
def rename(edit_id: int) -> ResponseReturnValue:
    """Give a file another path."""
    edit = services().edits.unfinished(current_actor(), edit_id)
    path, to = request.form.get("path", ""), request.form.get("to", "").strip()
    return tried(edit, lambda: services().edits.rename(edit, path, to)) or back(edit)


@blueprint.post("/edits/<int:edit_id>/remove")
@requires(Permission.FILE_EDIT)
def remove(edit_id: int) -> ResponseReturnValue:
    """Delete a file."""
    edit = services().edits.unfinished(current_actor(), edit_id)
    path = request.form.get("path", "").strip()
    return tried(edit, lambda: services().edits.remove(edit, path)) or back(edit)


@blueprint.post("/edits/<int:edit_id>/leave-out")
@requires(Permission.FILE_EDIT)
def leave_out(edit_id: int) -> ResponseReturnValue:
    """Undo what the edit does to a file."""
    edit = services().edits.unfinished(current_actor(), edit_id)
    return tried(edit, lambda: services().edits.leave_out(edit, request.form.get("path", ""))) or back(edit)


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


def _change(edit: Edit, path: str) -> FileChange:
    for each in services().edits.changes(edit):
        if each.path == path:
            return each
    raise FileGone(f"{path} is not part of this edit.")
