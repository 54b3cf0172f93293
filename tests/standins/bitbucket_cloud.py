"""A stand-in for Bitbucket Cloud, REST 2.0, over a real bare repository.

Assumed, because it could not be found written down: the body of the 409 for a stale parent, that an
upload which changes nothing answers 201 without a commit, and that contradicting branches answer 400.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from selfservice.errors import ApplicationError
from selfservice.files.errors import BranchMoved, FilesError, MergeConflict, NothingChanged
from selfservice.files.git import Git
from selfservice.files.git_commits import write_commit
from selfservice.files.git_repository import GitRepository
from selfservice.files.repository import (
    Author,
    Change,
    Commit,
    Delete,
    EntryKind,
    NewCommit,
    NewPullRequest,
    PullRequest,
    PullRequestState,
    Write,
)

ALL_SCOPES = ("repository", "repository:write", "pullrequest", "pullrequest:write")


@dataclass
class CloudState:
    """One repository of one workspace, and who may use it."""

    git: Git
    name: str = "acme/playbooks"
    user: str = "alice@example.org"
    api_token: str = "ATATT-alice"
    access_token: str = "ATCTT-repository"
    scopes: tuple[str, ...] = ALL_SCOPES
    #: Branches that only pull requests change.
    protected: set[str] = field(default_factory=set)
    #: Answer merges with 202 and a task.
    slow_merges: bool = False
    #: Listings deeper than this answer 555.
    deepest: int = 50
    numbers: dict[str, int] = field(default_factory=dict)

    @property
    def repository(self) -> GitRepository:
        return GitRepository(self.git.folder)


class Refusal(Exception):
    """An error as the API answers it."""

    def __init__(self, status: int, message: str, **error: Any) -> None:
        super().__init__(message)
        self.status, self.error = status, {"message": message, **error}


def make_app(state: CloudState) -> Flask:
    """The API of that repository."""
    app = Flask("bitbucket-cloud")
    app.json.sort_keys = False  # type: ignore[attr-defined]
    # Paths of files may hold anything, also what looks like two slashes.
    app.url_map.merge_slashes = False
    app.register_blueprint(_blueprint(state), url_prefix=f"/2.0/repositories/{state.name}")

    @app.get(f"/{state.name}/get/<commit>.zip")
    def archive(commit: str) -> Response:
        prefix = f"{state.name.replace('/', '-')}-{commit[:12]}/"
        made = state.git.run("archive", "--format=zip", f"--prefix={prefix}", _commit(state, commit))
        return Response(made, mimetype="application/zip")

    @app.errorhandler(Refusal)
    def refused(error: Refusal) -> tuple[Response, int]:
        return jsonify({"type": "error", "error": error.error}), error.status

    @app.errorhandler(404)
    def unknown(_: HTTPException) -> tuple[Response, int]:
        return jsonify({"type": "error", "error": {"message": f"Repository {request.path} not found"}}), 404

    return app


def _blueprint(state: CloudState) -> Blueprint:  # noqa: C901  # one function a route
    api = Blueprint("cloud", __name__)

    @api.before_request
    def authorise() -> None:
        given = request.headers.get("Authorization", "")
        basic = "Basic " + base64.b64encode(f"{state.user}:{state.api_token}".encode()).decode()
        if given not in (basic, f"Bearer {state.access_token}"):
            raise Refusal(401, "Token is invalid, expired, or not supported for this endpoint.")
        subject = "pullrequest" if "/pullrequests" in request.path else "repository"
        needed = subject if request.method == "GET" else f"{subject}:write"
        if needed not in state.scopes:
            raise Refusal(
                403,
                "Your credentials lack one or more required privilege scopes.",
                detail={"required": [needed], "granted": list(state.scopes)},
            )

    @api.get("")
    def show() -> Response:
        default = next((each.name for each in state.repository.branches() if each.is_default), None)
        main = {"type": "branch", "name": default} if default else None
        slug = state.name.partition("/")[2]
        return jsonify(
            {
                "type": "repository",
                "full_name": state.name,
                "slug": slug,
                "name": slug,
                "mainbranch": main,
                "links": _self(""),
            }
        )

    @api.get("/refs/branches")
    @api.get("/refs/branches/", endpoint="branches_slash")
    def branches() -> Response:
        found = state.repository.branches()
        wanted = re.fullmatch(r'name ~ "(.*)"', request.args.get("q", ""))
        return _page([_branch(state, each.name) for each in found if not wanted or wanted[1] in each.name])

    @api.post("/refs/branches")
    def create_branch() -> tuple[Response, int]:
        body = request.get_json()
        name, commit = body["name"], body["target"]["hash"]
        if any(each.name == name for each in state.repository.branches()):
            raise Refusal(400, f'Branch "{name}" already exists.', data={"key": "BRANCH_ALREADY_EXISTS"})
        try:
            state.repository.create_branch(name, state.git.text("rev-parse", "--verify", f"{commit}^{{commit}}"))
        except ApplicationError:
            raise Refusal(400, f'Target "{commit}" not found.') from None
        return jsonify(_branch(state, name)), 201

    @api.get("/refs/branches/<path:name>")
    def branch(name: str) -> Response:
        return jsonify(_branch(state, name))

    @api.delete("/refs/branches/<path:name>")
    def delete_branch(name: str) -> tuple[str, int]:
        if _branch(state, name)["is_main"]:
            raise Refusal(400, "You can not delete the main branch.")
        state.repository.delete_branch(name)
        return "", 204

    @api.get("/src/<commit>/", defaults={"path": ""})
    @api.get("/src/<commit>/<path:path>")
    def source(commit: str, path: str) -> Response:
        commit = _commit(state, commit)
        entries = {entry.path: entry for entry in state.repository.tree(commit)}
        if path in entries:
            if request.args.get("format") == "meta":
                return jsonify(_entry(entries[path].path, entries[path].kind, commit))
            data = b"".join(state.repository.open(commit, path).chunks)
            found = Response(data, mimetype="application/octet-stream")
            found.headers["Content-Disposition"] = "attachment"
            return found
        folder = path.rstrip("/")
        below = f"{folder}/" if folder else ""
        if folder and not any(each.startswith(below) for each in entries):
            raise Refusal(404, f"No such file or directory: {path}")
        depth = int(request.args.get("max_depth", 1))
        if depth > state.deepest:
            raise Refusal(555, "The request took too long.")
        values: dict[str, dict[str, Any]] = {}
        for each, entry in entries.items():
            if not each.startswith(below):
                continue
            parts = each[len(below) :].split("/")
            for count in range(1, min(depth, len(parts) - 1) + 1):
                name = below + "/".join(parts[:count])
                values[name] = {"type": "commit_directory", "path": name, "commit": {"hash": commit}}
            if len(parts) <= depth:
                values[each] = _entry(each, entry.kind, commit)
        return _page(sorted(values.values(), key=lambda value: (value["path"].count("/"), value["path"])))

    @api.get("/filehistory/<commit>/<path:path>")
    def file_history(commit: str, path: str) -> Response:
        found = state.repository.history(_commit(state, commit), path, limit=100_000)
        return _page([{"type": "commit_file", "path": path, "commit": _commit_json(each)} for each in found])

    @api.get("/commits/<commit>")
    def commits(commit: str) -> Response:
        return _page([_commit_json(each) for each in state.repository.history(_commit(state, commit), limit=100_000)])

    @api.post("/src")
    def upload() -> tuple[str, int, dict[str, str]]:
        made = _upload(state)
        return "", 201, {"Location": f"{request.root_url}2.0/repositories/{state.name}/commit/{made}"}

    _pull_request_routes(api, state)
    return api


def _pull_request_routes(api: Blueprint, state: CloudState) -> None:  # noqa: C901  # one function a route
    @api.get("/pullrequests")
    def pull_requests() -> Response:
        return _page([])

    @api.post("/pullrequests")
    def open_pull_request() -> tuple[Response, int]:
        body = request.get_json()
        default = next(each.name for each in state.repository.branches() if each.is_default)
        source = body["source"]["branch"]["name"]
        target = (body.get("destination") or {"branch": {"name": default}})["branch"]["name"]
        if {source, target} - {each.name for each in state.repository.branches()}:
            raise Refusal(400, "source: branch not found", fields={"source": ["branch not found"]})
        reviewers = tuple(each["uuid"] for each in body.get("reviewers", []))
        new = NewPullRequest(source, target, body["title"], body.get("description", ""), reviewers)
        made = state.repository.open_pull_request(new)
        return jsonify(_pull_request(state, made)), 201

    @api.get("/pullrequests/<int:number>")
    def pull_request(number: int) -> Response:
        return jsonify(_pull_request(state, state.repository.pull_request(number)))

    @api.post("/pullrequests/<int:number>/decline")
    def decline(number: int) -> Response:
        if state.repository.pull_request(number).state is not PullRequestState.OPEN:
            raise Refusal(400, "This pull request is already closed.")
        state.repository.decline(number)
        return jsonify(_pull_request(state, state.repository.pull_request(number)))

    @api.post("/pullrequests/<int:number>/merge")
    def merge(number: int) -> tuple[Any, int, dict[str, str]]:
        try:
            made = state.repository.merge(
                number, request.get_json().get("message", "Merged"), Author("Bitbucket", "x@bitbucket.org")
            )
        except BranchMoved:
            raise Refusal(409, "The destination branch moved.") from None
        except MergeConflict as error:
            raise Refusal(400, error.sentence) from None
        except FilesError:
            raise Refusal(400, "This pull request is already closed.") from None
        if state.slow_merges:
            where = f"{request.base_url}/task-status/1"
            return jsonify({}), 202, {"Location": where}
        return jsonify(_pull_request(state, made)), 200, {}

    @api.get("/pullrequests/<int:number>/merge/task-status/<task>")
    def merge_status(number: int, task: str) -> Response:
        state.numbers[task] = state.numbers.get(task, 0) + 1
        return jsonify({"task_status": "PENDING" if state.numbers[task] == 1 else "SUCCESS"})


def _upload(state: CloudState) -> str:
    default = next((each.name for each in state.repository.branches() if each.is_default), "main")
    branch = request.form.get("branch", default)
    if branch in state.protected:
        raise Refusal(403, f"Branch {branch} can only be changed by pull requests.")
    tips = {each.name: each.tip for each in state.repository.branches()}
    parent = request.form.get("parents", "")
    if branch not in tips and tips:
        state.repository.create_branch(branch, parent or tips[default])
    expected = parent or tips.get(branch, "")
    if branch in tips and parent and parent != tips[branch]:
        raise Refusal(409, f"{branch} does not point to {parent} any more.")
    changes: list[Change] = [
        Write(name.lstrip("/"), part.stream.read()) for name, part in request.files.items(multi=True)
    ]
    written = {change.path for change in changes}
    changes += [Delete(path) for path in request.form.getlist("files") if path not in written]
    name, _, email = request.form.get("author", "Alice <alice@example.org>").rstrip(">").partition(" <")
    message = request.form.get("message", "Edited by Bitbucket")
    try:
        made = write_commit(state.git, NewCommit(branch, expected, tuple(changes), message, Author(name, email)))
    except NothingChanged:
        return expected
    except BranchMoved:
        raise Refusal(409, f"{branch} moved.") from None
    return _forget_flags(state, branch, made, written)


def _forget_flags(state: CloudState, branch: str, commit: str, written: set[str]) -> str:
    """As the real server does: a file that comes without x-attributes is neither executable nor a link."""
    flags = {
        name.lstrip("/"): re.search(r'x-attributes="?(\w+)', part.headers["Content-Disposition"])
        for name, part in request.files.items(multi=True)
    }
    lost = [path for path in written if not flags[path]]
    lines = [state.git.text("ls-tree", commit, "--", path) for path in lost]
    wrong = [line for line in lines if not line.startswith("100644")]
    if not wrong:
        return commit
    environment = {"GIT_INDEX_FILE": str(state.git.folder / "flags-index")}
    state.git.run("read-tree", commit, environment=environment)
    plain = "".join(f"100644 {line.split()[2]}\t{line.partition(chr(9))[2]}\n" for line in wrong)
    state.git.run("update-index", "--index-info", stdin=plain.encode(), environment=environment)
    tree = state.git.text("write-tree", environment=environment)
    raw = state.git.run("cat-file", "commit", commit).decode()
    again = re.sub(r"^tree \w+", f"tree {tree}", raw)
    made = state.git.text("hash-object", "-t", "commit", "-w", "--stdin", stdin=again.encode())
    state.git.run("update-ref", f"refs/heads/{branch}", made, commit)
    return made


def _self(path: str) -> dict[str, Any]:
    root = request.base_url if not path else f"{request.root_url.rstrip('/')}{path}"
    return {"self": {"href": root}, "html": {"href": root}}


def _branch(state: CloudState, name: str) -> dict[str, Any]:
    found = next((each for each in state.repository.branches() if each.name == name), None)
    if found is None:
        raise Refusal(404, f'Branch "{name}" not found.')
    where = f"/2.0/repositories/{state.name}/refs/branches/{name}"
    return {
        "type": "branch",
        "name": name,
        "target": {"type": "commit", "hash": found.tip},
        "is_main": found.is_default,
        "links": _self(where),
    }


def _commit(state: CloudState, name: str) -> str:
    code, output, _ = state.git.outcome("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    if code:
        raise Refusal(404, f"Commit not found: {name}")
    return output.decode().strip()


def _entry(path: str, kind: EntryKind, commit: str) -> dict[str, Any]:
    attributes = [] if kind is EntryKind.FILE else ["subrepository" if kind is EntryKind.SUBMODULE else kind.value]
    return {"type": "commit_file", "path": path, "attributes": attributes, "commit": {"type": "commit", "hash": commit}}


def _commit_json(commit: Commit) -> dict[str, Any]:
    return {
        "type": "commit",
        "hash": commit.id,
        "date": commit.time,
        "message": commit.message + "\n",
        "author": {"type": "author", "raw": str(commit.author)},
        "parents": [{"type": "commit", "hash": parent} for parent in commit.parents],
    }


def _pull_request(state: CloudState, found: PullRequest) -> dict[str, Any]:
    merged = found.state is PullRequestState.MERGED
    return {
        "type": "pullrequest",
        "id": found.number,
        "title": found.title,
        "description": found.description,
        "reviewers": [{"uuid": uuid} for uuid in found.reviewers],
        "state": found.state.value.upper(),
        "source": {"branch": {"name": found.source}},
        "destination": {"branch": {"name": found.target}},
        "merge_commit": {"hash": found.merge_commit[:12]} if merged else None,
        "links": _self(f"/2.0/repositories/{state.name}/pullrequests/{found.number}"),
    }


def _page(values: list[dict[str, Any]]) -> Response:
    """Ten by default, a hundred at most; where `fields` are asked for, nothing else is given."""
    size = min(int(request.args.get("pagelen", 10)), 100)
    number = int(request.args.get("page", 1))
    start = (number - 1) * size
    page: dict[str, Any] = {
        "values": values[start : start + size],
        "pagelen": size,
        "page": number,
        "size": len(values),
    }
    if start + size < len(values):
        rest = {**request.args, "page": number + 1}
        page["next"] = f"{request.base_url}?{'&'.join(f'{key}={value}' for key, value in rest.items())}"
    if "fields" in request.args:
        page = _only(page, [name.split(".") for name in request.args["fields"].split(",")])
    return Response(json.dumps(page), mimetype="application/json")


def _only(value: Any, paths: list[list[str]]) -> Any:
    """`value` reduced to the members that `paths` name."""
    if isinstance(value, list):
        return [_only(each, paths) for each in value]
    if not isinstance(value, dict) or any(not path for path in paths):
        return value
    inner: dict[str, list[list[str]]] = {}
    for path in paths:
        inner.setdefault(path[0], []).append(path[1:])
    return {name: _only(value[name], below) for name, below in inner.items() if name in value}
