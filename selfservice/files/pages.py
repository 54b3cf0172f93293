"""The pages for looking at files: repositories, their files, one file, its history."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import Response, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from selfservice.accounts.permissions import Permission
from selfservice.errors import ApplicationError
from selfservice.files.edits import MOST_TEXT
from selfservice.files.errors import EmptyRepository
from selfservice.files.highlight import lines
from selfservice.files.models import Edit, RepositoryRecord
from selfservice.files.reading import Found, image_type
from selfservice.files.repository import Branch
from selfservice.web.access import current_actor, current_person, requires
from selfservice.web.services import services

blueprint = APIBlueprint("files", __name__, enable_openapi=False)

_HISTORY_PAGE = 50


@blueprint.get("/files")
@requires(Permission.FILE_READ)
def index() -> ResponseReturnValue:
    """The repositories, and what this person has not finished."""
    return render_template(
        "files/index.html",
        repositories=services().repositories.all(),
        edits=[(edit, *_about(edit)) for edit in services().edits.mine(current_actor())],
        may_register=current_person().may(Permission.REPOSITORY_EDIT),
    )


@blueprint.get("/files/<name>")
@requires(Permission.FILE_READ)
def show(name: str) -> ResponseReturnValue:
    """The files of one branch, searched on this node."""
    record = services().repositories.get(name)
    query = request.args.get("q", "")
    try:
        branch = services().reading.branch(record, request.args.get("branch", ""))
    except EmptyRepository as empty:
        return render_template("files/show.html", record=record, empty=empty.sentence, may_edit=_may_edit())
    found = services().reading.find(record, branch, query)
    if request.accept_mimetypes.best == "application/json":
        return jsonify(_found(record, branch, found))
    return render_template(
        "files/show.html",
        record=record,
        branch=branch,
        branches=services().reading.branches(record),
        query=query,
        found=found,
        abandoned=services().delivery.abandoned(record) if _may_edit() else [],
        may_edit=_may_edit(),
    )


@blueprint.get("/files/<name>/view")
@requires(Permission.FILE_READ)
def view(name: str) -> ResponseReturnValue:
    """One file."""
    record, branch = _place(name)
    shown = services().reading.show(record, branch, request.args.get("path", ""), current_actor())
    return render_template(
        "files/view.html",
        record=record,
        shown=shown,
        branch=branch,
        lines=lines(shown.path, shown.text.text) if shown.text else [],
        commit_url=services().repositories.open(record).commit_url,
        most=MOST_TEXT,
        may_edit=_may_edit() and shown.kind in ("text", "binary", "image"),
    )


@blueprint.get("/files/<name>/history")
@requires(Permission.FILE_READ)
def history(name: str) -> ResponseReturnValue:
    """The commits that changed a file, newest first."""
    record, branch = _place(name)
    path, skip = request.args.get("path", ""), max(0, request.args.get("skip", 0, type=int))
    found = services().reading.history(record, branch, path, skip, _HISTORY_PAGE + 1)
    return render_template(
        "files/history.html",
        record=record,
        branch=branch,
        path=path,
        commits=found[:_HISTORY_PAGE],
        more=skip + _HISTORY_PAGE if len(found) > _HISTORY_PAGE else None,
        skip=skip,
        commit_url=services().repositories.open(record).commit_url,
    )


@blueprint.get("/files/<name>/download")
@requires(Permission.FILE_READ)
def download(name: str) -> ResponseReturnValue:
    """The bytes of a file, whatever they are."""
    record, path = services().repositories.get(name), request.args.get("path", "")
    chunks = services().reading.download(record, request.args.get("commit", ""), path, current_actor())
    return as_download(Response(chunks), path)


@blueprint.get("/files/<name>/image")
@requires(Permission.FILE_READ)
def image(name: str) -> ResponseReturnValue:
    """An image of a page of this program."""
    record, path = services().repositories.get(name), request.args.get("path", "")
    data = services().reading.image(record, request.args.get("commit", ""), path)
    return Response(data, mimetype=image_type(path), headers={"Content-Security-Policy": "default-src 'none'; sandbox"})


@blueprint.post("/files/<name>/branches/clean")
@requires(Permission.FILE_EDIT)
def clean(name: str) -> ResponseReturnValue:
    """Remove a temporary branch that nobody works on."""
    record, branch = services().repositories.get(name), request.form.get("branch", "")
    any_owner = current_person().may(Permission.REPOSITORY_EDIT)
    try:
        services().delivery.clean(record, branch, current_actor(), any_owner=any_owner)
        flash(f"The branch {branch} is removed.", "success")
    except ApplicationError as error:
        flash(error.sentence, "danger")
    return redirect(url_for("files.show", name=name), 303)


def as_download(answer: Response, path: str) -> Response:
    """`answer` as a file that a browser saves and never opens."""
    answer.mimetype = "application/octet-stream"
    answer.headers.set("Content-Disposition", "attachment", filename=path.rpartition("/")[2])
    return answer


def _about(edit: Edit) -> tuple[RepositoryRecord, list[str]]:
    return services().repositories.by_id(edit.repository_id), services().edits.paths(edit)


def _place(name: str) -> tuple[RepositoryRecord, Branch]:
    record = services().repositories.get(name)
    return record, services().reading.branch(record, request.args.get("branch", ""))


def _found(record: RepositoryRecord, branch: Branch, found: Found) -> dict[str, Any]:
    urls = [url_for("files.view", name=record.name, branch=branch.name, path=path) for path in found.paths]
    files = [{"path": path, "url": url} for path, url in zip(found.paths, urls, strict=True)]
    return {"total": found.total, "files": files}


def _may_edit() -> bool:
    return current_person().may(Permission.FILE_EDIT)
