"""A stand-in for Bitbucket Data Center, REST 1.0, over a real bare repository.

Assumed, because it could not be found written down: the texts of the 409s, the exception that branch
permissions answer with, and that raw/ of a folder answers NoSuchPathException.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask import Blueprint, Flask, Response, abort, jsonify, request
from werkzeug.exceptions import HTTPException

from selfservice.files.errors import FileGone, MergeConflict
from selfservice.files.git import Git
from selfservice.files.git_commits import write_commit
from selfservice.files.git_repository import GitRepository
from selfservice.files.repository import (
    Author,
    Branch,
    Commit,
    NewCommit,
    NewPullRequest,
    PullRequest,
    PullRequestState,
    Write,
    content,
)
from tests.standins import git_over_http

_MOST = 100_000_000


@dataclass
class DataCenterState:
    """One repository of one project, and who may use it."""

    git: Git
    project: str = "OPS"
    slug: str = "playbooks"
    token: str = "BBDC-token"
    may_write: bool = True
    protected: set[str] = field(default_factory=set)
    versions: dict[int, int] = field(default_factory=dict)
    #: Called while a client waits for what it asked by git.
    while_git_waits: Callable[[], None] = lambda: None

    @property
    def repository(self) -> GitRepository:
        return GitRepository(self.git.folder)


class Refusal(Exception):
    """An error as the API answers it."""

    def __init__(self, status: int, message: str, exception: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        name = f"com.atlassian.bitbucket.{exception}"
        self.errors = [{"context": None, "message": message, "exceptionName": name, **more}]


def make_app(state: DataCenterState) -> Flask:
    """The API of that repository."""
    app = Flask("bitbucket-data-center")
    app.url_map.merge_slashes = False
    repository = f"/projects/{state.project}/repos/{state.slug}"
    for number, version in enumerate(("1.0", "latest")):
        app.register_blueprint(_blueprint(state), url_prefix=f"/rest/api/{version}{repository}", name=f"api{number}")
        url = f"/rest/branch-utils/{version}{repository}/branches"
        app.add_url_rule(url, f"delete{number}", lambda: _delete_branch(state), methods=["DELETE"])
    scm = f"/scm/{state.project.lower()}/{state.slug}.git/<path:path>"

    @app.route(scm, methods=["GET", "POST"])
    def git(path: str) -> Response:
        state.while_git_waits()
        return git_over_http.answer(state.git.folder, path, state.protected)

    @app.errorhandler(Refusal)
    def refused(error: Refusal) -> tuple[Response, int]:
        return jsonify({"errors": error.errors}), error.status

    @app.errorhandler(404)
    def unknown(_: HTTPException) -> tuple[Response, int]:
        name = "com.atlassian.bitbucket.repository.NoSuchRepositoryException"
        text = f"Repository {request.path} does not exist."
        return jsonify({"errors": [{"context": None, "message": text, "exceptionName": name}]}), 404

    @app.before_request
    def authorise() -> None:
        is_git = request.path.startswith("/scm/")
        if request.headers.get("Authorization") != f"Bearer {state.token}":
            if is_git:
                abort(Response("Authentication failed", 401, {"WWW-Authenticate": 'Basic realm="Atlassian Bitbucket"'}))
            raise Refusal(401, "Authentication failed.", "auth.AuthenticationException")
        if is_git and "git-receive-pack" in request.full_path and not state.may_write:
            # Assumed: a token without the right is answered so, and git shows what the body says.
            abort(Response("You are not permitted to push; REPO_WRITE is needed.", 403, mimetype="text/plain"))
        if not is_git and request.method != "GET" and not state.may_write:
            raise Refusal(401, "You are not permitted to do this; REPO_WRITE is needed.", "AuthorisationException")

    return app


def _blueprint(state: DataCenterState) -> Blueprint:  # noqa: C901  # one function a route
    api = Blueprint("data_center", __name__)

    @api.get("")
    def show() -> Response:
        return jsonify({"slug": state.slug, "id": 1, "project": {"key": state.project}})

    @api.get("/branches")
    def branches() -> Response:
        found = state.repository.branches()
        if not found:
            raise Refusal(404, "There is no default branch.", "repository.NoDefaultBranchException")
        wanted = request.args.get("filterText", "").lower()
        return _page([_branch(each) for each in found if wanted in each.name.lower()])

    @api.get("/branches/default")
    def default_branch() -> Response:
        return jsonify(_branch(next(each for each in state.repository.branches() if each.is_default)))

    @api.post("/branches")
    def create_branch() -> Response:
        body = request.get_json()
        name = body["name"]
        if any(each.name == name for each in state.repository.branches()):
            raise Refusal(400, f"Branch '{name}' already exists.", "repository.DuplicateRefException")
        return jsonify(_branch(state.repository.create_branch(name, _commit(state, body["startPoint"]))))

    @api.get("/files")
    def list_files() -> Response:
        return _page([entry.path for entry in state.repository.tree(_commit(state, request.args.get("at", "HEAD")))])

    @api.get("/archive")
    def archive() -> Response:
        chunks = state.repository.archive(_commit(state, request.args.get("at", "HEAD"))).chunks
        return Response(b"".join(chunks), mimetype="application/zip")

    @api.get("/raw/<path:path>")
    def raw(path: str) -> Response:
        return Response(_content(state, request.args.get("at", "HEAD"), path), mimetype="application/octet-stream")

    @api.get("/browse/<path:path>")
    def browse(path: str) -> Response:
        commit = _commit(state, request.args.get("at", "HEAD"))
        paths = [entry.path for entry in state.repository.tree(commit)]
        if path not in paths and not any(each.startswith(f"{path}/") for each in paths):
            raise _no_path(path)
        return jsonify({"type": "FILE" if path in paths else "DIRECTORY"})

    @api.put("/browse/<path:path>")
    def edit(path: str) -> Response:
        return _edit(state, path)

    @api.get("/commits")
    def commits() -> Response:
        commit, path = _commit(state, request.args.get("until", "HEAD")), request.args.get("path", "")
        return _page([_commit_json(each) for each in state.repository.history(commit, path, limit=100_000)], 25)

    _pull_request_routes(api, state)
    return api


def _pull_request_routes(api: Blueprint, state: DataCenterState) -> None:  # noqa: C901  # one function a route
    @api.post("/pull-requests")
    def open_pull_request() -> tuple[Response, int]:
        body = request.get_json()
        source, target = (body[name]["id"].removeprefix("refs/heads/") for name in ("fromRef", "toRef"))
        known = len(state.versions)
        reviewers = tuple(each["user"]["name"] for each in body.get("reviewers", []))
        new = NewPullRequest(source, target, body["title"], body.get("description", ""), reviewers)
        made = state.repository.open_pull_request(new)
        if made.number <= known:
            raise Refusal(
                409,
                "Only one pull request may be open for a given source and target branch",
                "pull.DuplicatePullRequestException",
                existingPullRequest=_pull_request(state, made),
            )
        state.versions[made.number] = 0
        return jsonify(_pull_request(state, made)), 201

    @api.get("/pull-requests/<int:number>")
    def pull_request(number: int) -> Response:
        return jsonify(_pull_request(state, state.repository.pull_request(number)))

    @api.post("/pull-requests/<int:number>/decline")
    def decline(number: int) -> Response:
        if state.repository.pull_request(number).state is not PullRequestState.OPEN:
            raise Refusal(409, "The pull request is not open.", "pull.IllegalPullRequestStateException")
        if int(request.args["version"]) != state.versions[number]:
            raise Refusal(409, "The pull request has changed.", "pull.PullRequestOutOfDateException")
        state.repository.decline(number)
        state.versions[number] += 1
        return jsonify(_pull_request(state, state.repository.pull_request(number)))

    @api.post("/pull-requests/<int:number>/merge")
    def merge(number: int) -> Response:
        asked = state.repository.pull_request(number)
        if asked.state is not PullRequestState.OPEN:
            raise Refusal(409, "The pull request is not open.", "pull.IllegalPullRequestStateException")
        version, given = state.versions[number], int(request.args["version"])
        if given != version:
            raise Refusal(
                409,
                "You are attempting to modify a pull request based on out-of-date information.",
                "pull.PullRequestOutOfDateException",
                currentVersion=version,
                expectedVersion=given,
            )
        message = (request.get_json(silent=True) or {}).get("message", "Merge")
        try:
            made = state.repository.merge(number, message, Author("Bitbucket", "bitbucket@example.org"))
        except MergeConflict as error:
            raise Refusal(
                409, error.sentence, "pull.PullRequestMergeVetoedException", conflicted=True, vetoes=[]
            ) from None
        state.versions[number] += 1
        return jsonify(_pull_request(state, made))


def _delete_branch(state: DataCenterState) -> tuple[str, int]:
    body = request.get_json()
    name = body["name"].removeprefix("refs/heads/")
    found = next((each for each in state.repository.branches() if each.name == name), None)
    if found and found.is_default:
        raise Refusal(400, f"{name} is the default branch and cannot be deleted.", "repository.IllegalBranchException")
    if found and body.get("endPoint") not in (None, found.tip):
        raise Refusal(400, f"{name} is not at {body['endPoint']}.", "repository.IllegalBranchException")
    state.repository.delete_branch(name)
    return "", 204


def _edit(state: DataCenterState, path: str) -> Response:
    fields = {**request.form, **{name: part.stream.read() for name, part in request.files.items()}}
    texts = {
        name: value.decode() if isinstance(value, bytes) and name != "content" else value
        for name, value in fields.items()
    }
    written = texts["content"] if isinstance(texts["content"], bytes) else texts["content"].encode()
    branch = texts["branch"]
    if branch in state.protected:
        raise Refusal(
            403, f"{branch} is restricted by branch permissions.", "repository.ref.restriction.RefRestrictedException"
        )
    tip = next((each.tip for each in state.repository.branches() if each.name == branch), "")
    now = _content_or_none(state, tip, path)
    source = texts.get("sourceCommitId")
    if now is not None and not source:
        raise Refusal(409, f"{path} already exists.", "content.FileAlreadyExistsException")
    if source and _content_or_none(state, _commit(state, source), path) != now:
        raise Refusal(409, f"{path} has changed since {source}.", "content.FileOutOfDateException")
    if now == written:
        raise Refusal(409, f"{path} was not modified.", "content.FileContentUnmodifiedException")
    new = NewCommit(
        branch, tip, (Write(path, written),), texts.get("message") or "Edit", Author("Alice", "alice@example.org")
    )
    return jsonify(_commit_json(state.repository.history(write_commit(state.git, new), limit=1)[0]))


def _content(state: DataCenterState, at: str, path: str) -> bytes:
    found = _content_or_none(state, _commit(state, at), path)
    if found is None:
        raise _no_path(path)
    return found


def _content_or_none(state: DataCenterState, commit: str, path: str) -> bytes | None:
    try:
        return content(state.repository, commit, path, _MOST) if commit else None
    except FileGone:
        return None


def _no_path(path: str) -> Refusal:
    return Refusal(404, f"The path {path} does not exist.", "content.NoSuchPathException")


def _commit(state: DataCenterState, name: str) -> str:
    code, output, _ = state.git.outcome("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    if code:
        raise Refusal(404, f"Commit '{name}' does not exist.", "commit.NoSuchCommitException")
    return output.decode().strip()


def _branch(branch: Branch) -> dict[str, Any]:
    return {
        "id": f"refs/heads/{branch.name}",
        "displayId": branch.name,
        "type": "BRANCH",
        "latestCommit": branch.tip,
        "isDefault": branch.is_default,
    }


def _commit_json(commit: Commit) -> dict[str, Any]:
    return {
        "id": commit.id,
        "displayId": commit.id[:11],
        "author": {"name": commit.author.name, "emailAddress": commit.author.email},
        "authorTimestamp": int(datetime.fromisoformat(commit.time).timestamp() * 1000),
        "message": commit.message,
        "parents": [{"id": parent, "displayId": parent[:11]} for parent in commit.parents],
    }


def _pull_request(state: DataCenterState, found: PullRequest) -> dict[str, Any]:
    where = f"{request.root_url}projects/{state.project}/repos/{state.slug}/pull-requests/{found.number}"
    return {
        "id": found.number,
        "version": state.versions.get(found.number, 0),
        "title": found.title,
        "description": found.description,
        "reviewers": [{"user": {"name": name}} for name in found.reviewers],
        "state": found.state.value.upper(),
        "fromRef": {"id": f"refs/heads/{found.source}", "displayId": found.source},
        "toRef": {"id": f"refs/heads/{found.target}", "displayId": found.target},
        "properties": {"mergeCommit": {"id": found.merge_commit}} if found.merge_commit else {},
        "links": {"self": [{"href": where}]},
    }


def _page(values: list[Any], default: int = 25) -> Response:
    start, limit = int(request.args.get("start", 0)), min(int(request.args.get("limit", default)), 1000)
    last = start + limit >= len(values)
    found = values[start : start + limit]
    following = None if last else start + limit
    return jsonify(
        {
            "size": len(found),
            "limit": limit,
            "start": start,
            "isLastPage": last,
            "nextPageStart": following,
            "values": found,
        }
    )
