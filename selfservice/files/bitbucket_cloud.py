"""Bitbucket Cloud (REST 2.0), behind the interface of repositories."""

from __future__ import annotations

from itertools import islice
from urllib.parse import quote, urlsplit

from requests.auth import HTTPBasicAuth

from selfservice.bearer_token import BearerToken
from selfservice.errors import ApplicationError
from selfservice.files import cloud_answers
from selfservice.files.cloud_answers import branch_of, commit_of, entry_of, pull_request_of
from selfservice.files.cloud_listing import PAGE, pages, walk
from selfservice.files.cloud_upload import upload
from selfservice.files.errors import (
    AnswerLost,
    BranchExists,
    BranchGone,
    BranchMoved,
    BranchProtected,
    CommitGone,
    FileGone,
    FilesError,
    MergeConflict,
    MissingScope,
    NothingChanged,
    RepositoryGone,
)
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
    find_commit,
)
from selfservice.files.rest import Manners, Rest

ADDRESS = "https://api.bitbucket.org"
_COMMIT_FIELDS = ("hash", "date", "message", "author.raw", "parents.hash")
_MERGE_POLLS = 20


class BitbucketCloud:
    """One repository of a workspace."""

    def __init__(self, name: str, user: str, token: str, address: str = "", manners: Manners | None = None) -> None:
        """Work in `workspace/repository`: by the API token of the e-mail address `user`, or an access token."""
        auth = HTTPBasicAuth(user.encode(), token.encode()) if user else BearerToken(token)
        base = f"{(address or ADDRESS).rstrip('/')}/2.0/repositories/{quote(name)}"
        self._rest = Rest(base, auth, cloud_answers.explain, manners)
        self._name = name
        #: The main branch as it was last asked for: one call less for every look at a branch.
        self._main = ""

    def check(self) -> tuple[Check, ...]:
        """What works with this token; writing is tried by a request that changes nothing."""
        checks: list[Check] = []
        probes = (
            ("Repository (scope repository)", lambda: self._rest.get("")),
            ("Pull requests (scope pullrequest)", lambda: self._rest.get("/pullrequests", {"pagelen": 1})),
            ("Writing (scope repository:write)", self._try_to_write),
        )
        for what, probe in probes:
            try:
                probe()
            except ApplicationError as error:
                checks.append(Check(what, False, error.sentence))
                if not isinstance(error, MissingScope):
                    break
            else:
                checks.append(Check(what, True))
        return tuple(checks)

    def branches(self) -> tuple[Branch, ...]:
        """Every branch, by name."""
        default = self._default()
        found = pages(self._rest, "/refs/branches", {"sort": "name"})
        return tuple(sorted((branch_of(value, default) for value in found), key=lambda branch: branch.name))

    def branch(self, name: str) -> Branch:
        """One branch. Raises BranchGone."""
        try:
            value = self._rest.get(f"/refs/branches/{quote(checked_branch(name))}").json()
        except FileGone as error:
            raise BranchGone(f"There is no branch {name} in {self._name}.") from error
        return branch_of(value, self._main or self._default())

    def tree(self, commit: str) -> tuple[Entry, ...]:
        """Every file of a commit. Raises CommitGone."""
        try:
            found = list(walk(self._rest, checked_commit(commit)))
        except FileGone as error:
            raise CommitGone(f"There is no commit {commit[:12]} in {self._name}.") from error
        return tuple(sorted((entry_of(value) for value in found), key=lambda entry: entry.path))

    def open(self, commit: str, path: str) -> Stream:
        """A file's bytes. Raises FileGone."""
        answer = self._rest.get(f"/src/{checked_commit(commit)}/{quote(checked(path))}", stream=True)
        if "attachment" not in answer.headers.get("Content-Disposition", ""):
            answer.close()  # a folder answers with the list of what is in it
            raise FileGone(f"There is no file {path} at commit {commit[:12]}.")
        encoded = "Content-Encoding" in answer.headers
        length = "" if encoded else answer.headers.get("Content-Length", "")
        return Stream(answer.iter_content(64 * 1024), int(length) if length.isdigit() else None)

    def archive(self, commit: str) -> Stream:
        """All files of a commit as one zip, in a folder that is named after it. Raises CommitGone."""
        # Assumed: the website offers it to the same credentials; the API itself has no archive.
        server = (
            "https://bitbucket.org" if self._rest.base.startswith(ADDRESS) else self._rest.base.partition("/2.0")[0]
        )
        where = f"{server}/{quote(self._name)}/get/{checked_commit(commit)}.zip"
        try:
            return Stream(self._rest.get(where, stream=True).iter_content(64 * 1024))
        except FileGone as error:
            raise CommitGone(f"There is no commit {commit[:12]} in {self._name}.") from error

    def history(self, commit: str, path: str = "", *, skip: int = 0, limit: int = 30) -> tuple[Commit, ...]:
        """The commits that changed `path`, newest first."""
        checked_commit(commit)
        where = f"/filehistory/{commit}/{quote(checked(path))}" if path else f"/commits/{commit}"
        inner = "values.commit." if path else "values."
        params = {"fields": ",".join(["next", *(f"{inner}{name}" for name in _COMMIT_FIELDS)])}
        values = islice(pages(self._rest, where, params, min(PAGE, skip + limit)), skip, skip + limit)
        return tuple(commit_of(value["commit"] if path else value) for value in values)

    def create_branch(self, name: str, commit: str) -> Branch:
        """A branch from `commit`. Raises BranchExists."""
        body = {"name": checked_branch(name), "target": {"hash": commit}}
        try:
            value = self._rest.send("POST", "/refs/branches", json=body).json()
        except FilesError as error:
            if error.extra.get("code") != 400 or self._tip_or_none(name) is None:
                raise
            raise BranchExists(f"There is a branch {name} already.") from error
        return branch_of(value, "")

    def delete_branch(self, name: str) -> None:
        """Remove a branch. Raises BranchProtected."""
        try:
            self._rest.delete(f"/refs/branches/{quote(checked_branch(name))}")
        except FileGone:
            return
        except FilesError as error:
            if error.extra.get("code") != 400:
                raise
            raise BranchProtected(f"{name} cannot be removed: {error.sentence}") from error

    def commit(self, new: NewCommit) -> str:
        """The id of the new commit, looked for where its answer was lost. Raises BranchMoved or NothingChanged."""
        checked_branch(new.branch)
        for change in new.changes:
            checked(change.path)
        try:
            upload(self._rest, new)
        except AnswerLost:
            made = find_commit(self, new)
            if made is None:
                raise
            return made
        except FilesError as error:
            if error.extra.get("code") != 409:
                raise
            raise BranchMoved(f"{new.branch} has changed since it was looked at, so nothing was committed.") from error
        return self._made(new)

    def open_pull_request(self, new: NewPullRequest) -> PullRequest:
        """Open it; the server gives back the open one between these branches."""
        body = {
            "title": new.title,
            "description": new.description,
            "source": {"branch": {"name": new.source}},
            "destination": {"branch": {"name": new.target}},
            "reviewers": [{"uuid": uuid} for uuid in new.reviewers],
        }
        return pull_request_of(self._rest.send("POST", "/pullrequests", json=body).json())

    def pull_request(self, number: int) -> PullRequest:
        """One pull request as it stands."""
        return pull_request_of(self._rest.get(f"/pullrequests/{number}").json())

    def decline(self, number: int) -> None:
        """Close a pull request, as the owner of the token."""
        if self.pull_request(number).state is PullRequestState.OPEN:
            self._rest.send("POST", f"/pullrequests/{number}/decline")

    def merge(self, number: int, message: str, author: Author) -> PullRequest:
        """Take the source into the target, as the owner of the token. Raises MergeConflict."""
        asked = self.pull_request(number)
        if asked.state is not PullRequestState.OPEN:
            raise FilesError(f"Pull request {number} is {asked.state} already.")
        body = {"type": "pullrequest", "message": message, "merge_strategy": "merge_commit"}
        try:
            answer = self._rest.send("POST", f"/pullrequests/{number}/merge", json=body)
        except AnswerLost:
            merged = self.pull_request(number)
            if merged.state is not PullRequestState.MERGED:
                raise
            return merged
        except FilesError as error:
            # Assumed: contradicting branches answer 400, a branch that moved meanwhile 409.
            if error.extra.get("code") not in (400, 409):
                raise
            raise MergeConflict(f"Pull request {number} cannot be merged: {error.sentence}") from error
        if answer.status_code == 202:
            self._wait_for_merge(answer.headers["Location"], number)
        return self.pull_request(number)

    def commit_url(self, commit: str) -> str:
        """The page of a commit; only Bitbucket itself has one."""
        host = urlsplit(self._rest.base).hostname or ""
        return f"https://bitbucket.org/{self._name}/commits/{commit}" if host == "api.bitbucket.org" else ""

    def _wait_for_merge(self, status: str, number: int) -> None:
        for _ in range(_MERGE_POLLS):
            if self._rest.get(status).json().get("task_status") == "SUCCESS":
                return
            self._rest.manners.sleep(0.5)
        raise AnswerLost(f"Bitbucket is still merging pull request {number}; look again in a minute.")

    def _made(self, new: NewCommit) -> str:
        """The commit that was just made: the answer of the server does not name it."""
        for each in self.history(self.branch(new.branch).tip, limit=20):
            # A first commit has no parent.
            is_on_top = new.expected in each.parents if new.expected else not each.parents
            if is_on_top and each.message.strip() == new.message.strip():
                return each.id
            if each.id == new.expected:
                break
        raise NothingChanged(f"The files are the same as in the latest commit of {new.branch}; nothing to commit.")

    def _default(self) -> str:
        main = self._rest.get("").json().get("mainbranch") or {}
        self._main = str(main.get("name", ""))
        return self._main

    def _tip_or_none(self, name: str) -> str | None:
        try:
            return self.branch(name).tip
        except (BranchGone, RepositoryGone):
            return None

    def _try_to_write(self) -> None:
        """A branch from a commit that no repository has: refused by whoever may write, too."""
        try:
            self._rest.send("POST", "/refs/branches", json={"name": "selfservice/check", "target": {"hash": "0" * 40}})
        except (MissingScope, BranchProtected):
            raise
        except (FilesError, FileGone):
            return
