"""Bitbucket Data Center (REST 1.0), behind the interface of repositories."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any
from urllib.parse import quote

from selfservice.bearer_token import BearerToken
from selfservice.errors import ApplicationError
from selfservice.files import data_center_answers
from selfservice.files.data_center_answers import branch_of, commit_of, pull_request_of
from selfservice.files.errors import (
    AnswerLost,
    BranchGone,
    BranchProtected,
    EmptyRepository,
    FilesError,
    MissingScope,
)
from selfservice.files.git_remote import GitRemote
from selfservice.files.paths import checked, checked_branch, checked_commit
from selfservice.files.repository import (
    Author,
    Branch,
    Check,
    Commit,
    Entry,
    NewCommit,
    NewPullRequest,
    PullRequest,
    PullRequestState,
    Stream,
)
from selfservice.files.rest import Manners, Rest

_PAGE = 1000


class BitbucketDataCenter:
    """One repository of a project.

    Its API writes one file a commit, deletes none, and makes no first commit: commits are pushed by git.
    """

    def __init__(self, address: str, name: str, token: str, manners: Manners | None = None) -> None:
        """Work in `PROJECT/repository` of the server at `address`, by an HTTP access token."""
        project, _, slug = name.partition("/")
        self._where = f"/projects/{quote(project)}/repos/{quote(slug)}"
        self._address = address.rstrip("/")
        self._rest = Rest(self._address, BearerToken(token), data_center_answers.explain, manners)
        self._api = f"/rest/api/latest{self._where}"
        self._git = GitRemote(f"{self._address}/scm/{quote(project.lower())}/{quote(slug)}.git", token, manners)

    def check(self) -> tuple[Check, ...]:
        """What works with this token; writing is tried by a request that changes nothing."""
        checks: list[Check] = []
        for what, probe in (("Reading (REPO_READ)", self._try_to_read), ("Writing (REPO_WRITE)", self._try_to_write)):
            try:
                probe()
            except ApplicationError as error:
                checks.append(Check(what, False, error.sentence))
                break
            checks.append(Check(what, True))
        return tuple(checks)

    def branches(self) -> tuple[Branch, ...]:
        """Every branch, by name."""
        try:
            found = [branch_of(value) for value in self._pages(f"{self._api}/branches", {"orderBy": "ALPHABETICAL"})]
        except EmptyRepository:
            return ()
        return tuple(sorted(found, key=lambda branch: branch.name))

    def branch(self, name: str) -> Branch:
        """One branch. Raises BranchGone."""
        try:
            for value in self._pages(f"{self._api}/branches", {"filterText": checked_branch(name)}):
                if value["displayId"] == name:
                    return branch_of(value)
        except EmptyRepository as error:
            raise BranchGone(f"There is no branch {name}: this repository has no commit yet.") from error
        raise BranchGone(f"There is no branch {name} in this repository.")

    def tree(self, commit: str) -> tuple[Entry, ...]:
        """Every file of a commit; this API does not say which of them are links."""
        return tuple(Entry(path) for path in sorted(self._pages(f"{self._api}/files", {"at": checked_commit(commit)})))

    def open(self, commit: str, path: str) -> Stream:
        """A file's bytes. Raises FileGone."""
        answer = self._rest.get(f"{self._api}/raw/{quote(checked(path))}", {"at": checked_commit(commit)}, stream=True)
        length = "" if "Content-Encoding" in answer.headers else answer.headers.get("Content-Length", "")
        return Stream(answer.iter_content(64 * 1024), int(length) if length.isdigit() else None)

    def archive(self, commit: str) -> Stream:
        """All files of a commit as one zip. Raises CommitGone."""
        params = {"at": checked_commit(commit), "format": "zip"}
        return Stream(self._rest.get(f"{self._api}/archive", params, stream=True).iter_content(64 * 1024))

    def history(self, commit: str, path: str = "", *, skip: int = 0, limit: int = 30) -> tuple[Commit, ...]:
        """The commits that changed `path`, newest first."""
        params: dict[str, Any] = {"until": checked_commit(commit), "start": skip}
        if path:
            params |= {"path": checked(path), "followRenames": "true"}
        values = islice(self._pages(f"{self._api}/commits", params, min(_PAGE, limit)), limit)
        return tuple(commit_of(value) for value in values)

    def create_branch(self, name: str, commit: str) -> Branch:
        """A branch from `commit`. Raises BranchExists."""
        body = {"name": checked_branch(name), "startPoint": commit}
        return branch_of(self._rest.send("POST", f"{self._api}/branches", json=body).json())

    def delete_branch(self, name: str) -> None:
        """Remove a branch. Raises BranchProtected."""
        try:
            where = f"/rest/branch-utils/latest{self._where}/branches"
            self._rest.delete(where, {"name": f"refs/heads/{checked_branch(name)}"})
        except FilesError as error:
            if error.extra.get("code") != 400:
                raise
            raise BranchProtected(f"{name} cannot be removed: {error.sentence}") from error

    def commit(self, new: NewCommit) -> str:
        """The id of the new commit, pushed by git. Raises BranchMoved, FileGone or NothingChanged."""
        checked_branch(new.branch)
        for change in new.changes:
            checked(change.path)
        return self._git.commit(new)

    def open_pull_request(self, new: NewPullRequest) -> PullRequest:
        """Open it, or give back the open one between these branches."""
        body = {
            "title": new.title,
            "description": new.description,
            "fromRef": {"id": f"refs/heads/{new.source}"},
            "toRef": {"id": f"refs/heads/{new.target}"},
            "reviewers": [{"user": {"name": name}} for name in new.reviewers],
        }
        try:
            return pull_request_of(self._rest.send("POST", f"{self._api}/pull-requests", json=body).json())
        except FilesError as error:
            known = error.extra.get("error")
            if not isinstance(known, dict) or "existingPullRequest" not in known:
                raise
            return pull_request_of(known["existingPullRequest"])

    def pull_request(self, number: int) -> PullRequest:
        """One pull request as it stands."""
        return pull_request_of(self._read_pull_request(number))

    def decline(self, number: int) -> None:
        """Close a pull request, as the owner of the token."""
        asked = self._read_pull_request(number)
        if asked["state"] == "OPEN":
            self._rest.send("POST", f"{self._api}/pull-requests/{number}/decline?version={asked['version']}")

    def merge(self, number: int, message: str, author: Author) -> PullRequest:
        """Take the source into the target, as the owner of the token. Raises MergeConflict."""
        asked = self._read_pull_request(number)
        if asked["state"] != "OPEN":
            raise FilesError(f"Pull request {number} is {asked['state'].lower()} already.")
        where = f"{self._api}/pull-requests/{number}/merge?version={asked['version']}"
        try:
            self._rest.send("POST", where, json={"message": message})
        except AnswerLost:
            if self.pull_request(number).state is not PullRequestState.MERGED:
                raise
        return self.pull_request(number)

    def commit_url(self, commit: str) -> str:
        """The page of a commit."""
        return f"{self._address}{self._where}/commits/{commit}"

    def _read_pull_request(self, number: int) -> dict[str, Any]:
        value: dict[str, Any] = self._rest.get(f"{self._api}/pull-requests/{number}").json()
        return value

    def _pages(self, path: str, params: dict[str, Any], size: int = _PAGE) -> Iterator[Any]:
        start = params.get("start", 0)
        while True:
            page = self._rest.get(path, {**params, "limit": size, "start": start}).json()
            yield from page["values"]
            if page["isLastPage"]:
                return
            start = page["nextPageStart"]

    def _try_to_read(self) -> None:
        """Raises what keeps this token from reading."""
        self._rest.get(self._api)
        self.branches()

    def _try_to_write(self) -> None:
        """A branch from a commit that no repository has: refused by whoever may write, too."""
        try:
            self._rest.send("POST", f"{self._api}/branches", json={"name": "selfservice/check", "startPoint": "0" * 40})
        except MissingScope:
            raise
        except ApplicationError as error:
            if error.status >= 500:
                raise
