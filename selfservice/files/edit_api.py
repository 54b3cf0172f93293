"""JSON routes of edits: start, draft, commit, take over, pull request, merge, discard."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from apiflask import APIBlueprint, Schema
from apiflask.fields import Boolean, Dict, Integer, List, String
from apiflask.validators import Length
from flask import request

from selfservice.accounts.permissions import Permission
from selfservice.errors import BadInput
from selfservice.files.delivery import person_of
from selfservice.files.edits import MOST_UPLOAD
from selfservice.files.models import Edit
from selfservice.files.syntax import check
from selfservice.files.text import encoded
from selfservice.web.access import current_actor, current_person, requires
from selfservice.web.services import services

blueprint = APIBlueprint("edits_api", __name__, url_prefix="/api/v1", tag="Files")


@blueprint.url_value_preprocessor
def _take_files(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Allow what files need before anything of the request is read."""
    request.max_content_length = 2 * MOST_UPLOAD


class StartInput(Schema):
    """Where to begin."""

    repository = String(required=True)
    branch = String(required=True)
    path = String(load_default="", metadata={"description": "The file to begin with; none for new files only."})


class DraftInput(Schema):
    """A file as it shall be: text, bytes, or gone."""

    path = String(required=True)
    text = String(metadata={"description": "Written in the encoding and with the line ends that the file has."})
    base64 = String(metadata={"description": "Bytes, written as they are."})
    delete = Boolean(load_default=False)
    version = Integer(load_default=None, metadata={"description": "The version of the draft that this one follows."})


class CommitInput(Schema):
    """What to say of it."""

    message = String(required=True, validate=Length(1))


class TakeOverInput(Schema):
    """What was decided after looking at both sides."""

    seen = String(required=True, metadata={"description": "The commit of the base branch that was looked at."})
    decided = Dict(keys=String(), values=String(allow_none=True), load_default=dict)


class PullRequestInput(Schema):
    """What to ask for."""

    title = String(required=True)
    description = String(load_default="")
    reviewers = List(String(), load_default=list)


@blueprint.get("/edits")
@requires(Permission.FILE_EDIT)
@blueprint.doc(summary="List one's unfinished edits")
def list_edits() -> dict[str, Any]:
    """Latest first."""
    return {"edits": [_edit(each) for each in services().edits.mine(current_actor())]}


@blueprint.post("/edits")
@requires(Permission.FILE_EDIT)
@blueprint.input(StartInput)
@blueprint.doc(summary="Start an edit", responses={201: "It has a temporary branch"})
def start_edit(json_data: dict[str, str]) -> tuple[dict[str, Any], int]:
    """The unfinished edit of the same file is given back, where there is one."""
    edit = services().edits.start(json_data["repository"], json_data["branch"], current_actor(), json_data["path"])
    return _edit(edit), 201


@blueprint.get("/edits/<int:edit_id>")
@requires(Permission.FILE_EDIT)
@blueprint.doc(summary="Look at an edit")
def show_edit(edit_id: int) -> dict[str, Any]:
    """Its files, and the mistakes in them."""
    edit = services().edits.get(edit_id, current_actor())
    files = []
    for each in services().edits.changes(edit):
        mistake = check(each.path, each.after) if each.after is not None else None
        files.append(
            {
                "path": each.path,
                "change": each.kind,
                "version": each.version,
                "mistake": str(mistake) if mistake else None,
            }
        )
    return {**_edit(edit), "files": files}


@blueprint.put("/edits/<int:edit_id>/files")
@requires(Permission.FILE_EDIT)
@blueprint.input(DraftInput)
@blueprint.doc(summary="Keep a draft", responses={409: "It was saved from elsewhere meanwhile"})
def keep_draft(edit_id: int, json_data: dict[str, Any]) -> dict[str, Any]:
    """Nothing is committed yet."""
    edit = services().edits.unfinished(current_actor(), edit_id)
    path = json_data["path"]
    known = {each.path: each for each in services().edits.changes(edit)}
    if json_data["delete"]:
        services().edits.remove(edit, path)
        return {"path": path, "version": None, "mistake": None}
    wanted = _wanted(json_data, known[path].after or known[path].before if path in known else None)
    if path not in known:
        services().edits.add(edit, path, wanted)
        version = 1
    else:
        version = services().edits.keep(edit, path, wanted, json_data["version"])
    mistake = check(path, wanted)
    return {"path": path, "version": version, "mistake": str(mistake) if mistake else None}


@blueprint.post("/edits/<int:edit_id>/commits")
@requires(Permission.FILE_EDIT)
@blueprint.input(CommitInput)
@blueprint.doc(summary="Commit every draft", responses={201: "The commit", 409: "Others changed the same files"})
def commit_edit(edit_id: int, json_data: dict[str, str]) -> tuple[dict[str, str], int]:
    """On the temporary branch; the first commit of a repository goes to its main branch, which needs `file:merge`."""
    edit = services().edits.unfinished(current_actor(), edit_id)
    author, may_merge = person_of(current_actor()), current_person().may(Permission.FILE_MERGE)
    made = services().delivery.commit(edit, json_data["message"], current_actor(), author, may_merge=may_merge)
    return {"commit": made}, 201


@blueprint.get("/edits/<int:edit_id>/sides")
@requires(Permission.FILE_EDIT)
@blueprint.doc(summary="What others did to the same files")
def show_sides(edit_id: int) -> dict[str, Any]:
    """Each file as base64: before, theirs, mine, and all brought together."""
    edit = services().edits.unfinished(current_actor(), edit_id)
    base, found = services().delivery.contested(edit)
    files = []
    for side in found:
        merged = side.merged
        shown = {name: _base64(getattr(side, name)) for name in ("before", "theirs", "mine")}
        files.append({"path": side.path, **shown, "merged": _base64(merged.content), "conflicts": merged.conflicts})
    return {"seen": base.tip, "files": files}


@blueprint.post("/edits/<int:edit_id>/sides")
@requires(Permission.FILE_EDIT)
@blueprint.input(TakeOverInput)
@blueprint.doc(summary="Go on from what is there now", responses={409: "It has changed once more"})
def take_over_edit(edit_id: int, json_data: dict[str, Any]) -> dict[str, Any]:
    """`decided` names each contested file with its bytes as base64, or null to delete it."""
    edit = services().edits.unfinished(current_actor(), edit_id)
    decided = {path: _bytes(text) if text is not None else None for path, text in json_data["decided"].items()}
    return _edit(services().delivery.take_over(edit, json_data["seen"], decided, current_actor()))


@blueprint.post("/edits/<int:edit_id>/pull-request")
@requires(Permission.FILE_EDIT)
@blueprint.input(PullRequestInput)
@blueprint.doc(summary="Open a pull request", responses={201: "It is open", 409: "Nothing is committed yet"})
def open_pull_request(edit_id: int, json_data: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """The one that is open already is given back."""
    edit = services().edits.unfinished(current_actor(), edit_id)
    reviewers = tuple(json_data["reviewers"])
    title, description = json_data["title"], json_data["description"]
    made = services().delivery.open_pull_request(edit, title, description, reviewers, current_actor())
    return {"number": made.number, "url": made.url, "state": made.state}, 201


@blueprint.post("/edits/<int:edit_id>/merge")
@requires(Permission.FILE_MERGE)
@blueprint.doc(summary="Merge an edit", responses={409: "The branches contradict each other"})
def merge_edit(edit_id: int) -> dict[str, Any]:
    """By its pull request, opened where there is none; the temporary branch is removed."""
    edit = services().edits.unfinished(current_actor(), edit_id)
    made = services().delivery.merge(edit, current_actor(), person_of(current_actor()))
    return {"number": made.number, "commit": made.merge_commit, "state": made.state}


@blueprint.delete("/edits/<int:edit_id>")
@requires(Permission.FILE_EDIT)
@blueprint.doc(summary="Discard an edit", responses={204: "Its branch and drafts are gone"})
def discard_edit(edit_id: int) -> tuple[str, int]:
    """Nothing of it reaches the base branch."""
    services().delivery.discard(services().edits.unfinished(current_actor(), edit_id), current_actor())
    return "", 204


def _edit(edit: Edit) -> dict[str, Any]:
    names = ("id", "base_branch", "base_commit", "branch", "branch_tip", "state", "pull_request", "pull_request_url")
    times = {name: getattr(edit, name).isoformat() for name in ("started_at", "changed_at")}
    repository = services().repositories.by_id(edit.repository_id).name
    return {**{name: getattr(edit, name) for name in names}, **times, "repository": repository}


def _wanted(sent: dict[str, Any], before: bytes | None) -> bytes:
    if ("text" in sent) == ("base64" in sent):
        raise BadInput("Send either text or base64.", "text")
    return encoded(sent["text"], before) if "text" in sent else _bytes(sent["base64"])


def _base64(content: bytes | None) -> str | None:
    return base64.b64encode(content).decode() if content is not None else None


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadInput("This is not base64.", "base64") from None
