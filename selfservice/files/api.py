"""JSON routes for looking at files: the same calls as the pages."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint, Schema
from apiflask.fields import Integer, String
from apiflask.validators import Range
from flask import Response, request

from selfservice.accounts.permissions import Permission
from selfservice.audit.actions import Actor
from selfservice.files.models import RepositoryRecord, SourceRecord
from selfservice.files.pages import as_download
from selfservice.files.repository import Commit
from selfservice.web.access import current_actor, current_address, open_to_signed_calls, requires
from selfservice.web.openapi import sent_as
from selfservice.web.services import services, whole_services

blueprint = APIBlueprint("files_api", __name__, url_prefix="/api/v1", tag="Files")


class FindQuery(Schema):
    """Which files to list."""

    branch = String(load_default="", metadata={"description": "The main branch where it is left out."})
    q = String(load_default="", metadata={"description": "Words or letters of the path."})
    limit = Integer(load_default=50, validate=Range(1, 1000))


class FileQuery(Schema):
    """Which file of which branch."""

    path = String(required=True)
    branch = String(load_default="", metadata={"description": "The main branch where it is left out."})


class HistoryQuery(Schema):
    """Which commits to list."""

    path = String(load_default="", metadata={"description": "Every path where it is left out."})
    branch = String(load_default="")
    skip = Integer(load_default=0, validate=Range(0))
    limit = Integer(load_default=50, validate=Range(1, 200))


@blueprint.get("/repositories")
@requires(Permission.FILE_READ)
@blueprint.doc(summary="List repositories")
def list_repositories() -> dict[str, Any]:
    """Every registered repository; never a credential."""
    return {"repositories": [_repository(each) for each in services().repositories.all()]}


@blueprint.post("/repositories/<name>/check")
@requires(Permission.REPOSITORY_EDIT)
@blueprint.doc(summary="Try what the credentials of a repository allow")
def check_repository(name: str) -> dict[str, Any]:
    """What works, and what exactly is missing."""
    checks = services().repositories.check(name, current_actor())
    return {"checks": [{"what": each.what, "ok": each.ok, "sentence": each.sentence} for each in checks]}


@blueprint.post("/repositories/<name>/sync")
@requires(Permission.REPOSITORY_EDIT)
@blueprint.doc(summary="Use the latest commit of a source", responses={404: "It is no source"})
def sync_repository(name: str) -> dict[str, Any]:
    """A commit with a mistake leaves the last good one in use."""
    return _source(services().sources.sync(services().repositories.editable(name), current_actor()))


@blueprint.post("/repositories/<name>/push")
@open_to_signed_calls
@blueprint.doc(summary="For the webhook of Bitbucket", responses={403: "The signature does not fit"}, security=[])
def pushed(name: str) -> dict[str, Any]:
    """Signed with the secret of the source; each push is believed once."""
    record = whole_services().repositories.get(name)
    headers = request.headers
    number = headers.get("X-Request-UUID") or headers.get("X-Request-Id", "")
    services().sources.believe(record, request.get_data(), headers.get("X-Hub-Signature", ""), number)
    return _source(services().sources.sync(record, Actor(f"webhook of {record.name}", "token", current_address())))


@blueprint.get("/repositories/<name>/branches")
@requires(Permission.FILE_READ)
@blueprint.doc(summary="List branches")
def list_branches(name: str) -> dict[str, Any]:
    """The main branch first; temporary branches of edits are left out."""
    found = services().reading.branches(services().repositories.get(name))
    return {"branches": [{"name": each.name, "tip": each.tip, "main": each.is_default} for each in found]}


@blueprint.get("/repositories/<name>/files")
@requires(Permission.FILE_READ)
@blueprint.input(FindQuery, location="query")
@blueprint.doc(summary="Find files of a branch")
def find_files(name: str, query_data: dict[str, Any]) -> dict[str, Any]:
    """The best first."""
    record = services().repositories.get(name)
    branch = services().reading.branch(record, query_data["branch"])
    found = services().reading.find(record, branch, query_data["q"], query_data["limit"])
    return {"branch": branch.name, "commit": branch.tip, "total": found.total, "paths": found.paths}


@blueprint.get("/repositories/<name>/content")
@requires(Permission.FILE_READ)
@blueprint.input(FileQuery, location="query")
@blueprint.doc(summary="Download a file", responses=sent_as("application/octet-stream", "Its bytes"))
def file_content(name: str, query_data: dict[str, str]) -> Response:
    """Its bytes as they are."""
    record = services().repositories.get(name)
    branch = services().reading.branch(record, query_data["branch"])
    chunks = services().reading.download(record, branch.tip, query_data["path"], current_actor())
    return as_download(Response(chunks, headers={"X-Commit": branch.tip}), query_data["path"])


@blueprint.get("/repositories/<name>/history")
@requires(Permission.FILE_READ)
@blueprint.input(HistoryQuery, location="query")
@blueprint.doc(summary="List the commits that changed a file")
def file_history(name: str, query_data: dict[str, Any]) -> dict[str, Any]:
    """Newest first."""
    record = services().repositories.get(name)
    branch = services().reading.branch(record, query_data["branch"])
    found = services().reading.history(record, branch, query_data["path"], query_data["skip"], query_data["limit"])
    return {"commits": [_commit(each) for each in found]}


def _source(source: SourceRecord) -> dict[str, Any]:
    names = ("branch", "playbooks", "inventory", "commit", "tried", "trouble")
    return {name: getattr(source, name) for name in names}


def _repository(record: RepositoryRecord) -> dict[str, Any]:
    names = ("name", "title", "kind", "address", "location")
    return {name: getattr(record, name) for name in names}


def _commit(commit: Commit) -> dict[str, Any]:
    author = {"name": commit.author.name, "email": commit.author.email}
    return {"id": commit.id, "time": commit.time, "author": author, "message": commit.message}
