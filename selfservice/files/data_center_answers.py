"""What Bitbucket Data Center answers, read into the words of this program."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import requests

from selfservice.errors import ApplicationError
from selfservice.files.errors import (
    BranchExists,
    BranchGone,
    BranchMoved,
    BranchProtected,
    CommitGone,
    EmptyRepository,
    FileGone,
    FilesError,
    MergeConflict,
    MissingScope,
    NothingChanged,
    RepositoryGone,
    WrongToken,
)
from selfservice.files.repository import Author, Branch, Commit, PullRequest, PullRequestState
from selfservice.files.rest import plain_words

_STATES = {"OPEN": PullRequestState.OPEN, "MERGED": PullRequestState.MERGED}
#: The last part of a Java exception's name, and what it means here.
_MEANINGS: dict[str, type[ApplicationError]] = {
    "NoSuchRepositoryException": RepositoryGone,
    "NoSuchProjectException": RepositoryGone,
    "NoSuchPathException": FileGone,
    "NoSuchCommitException": CommitGone,
    "NoSuchBranchException": BranchGone,
    "EmptyRepositoryException": EmptyRepository,
    "NoDefaultBranchException": EmptyRepository,
    "DuplicateRefException": BranchExists,
    "FileContentUnmodifiedException": NothingChanged,
    "FileOutOfDateException": BranchMoved,
    "FileAlreadyExistsException": BranchMoved,
    "PullRequestMergeVetoedException": MergeConflict,
    "PullRequestOutOfDateException": BranchMoved,
    "AuthenticationException": WrongToken,
    "IncorrectPasswordAuthenticationException": WrongToken,
    # Assumed: the name under which branch permissions refuse a push through the API.
    "RefRestrictedException": BranchProtected,
}


def explain(answer: requests.Response) -> ApplicationError:
    """A refusal as an error with a sentence."""
    name, said, error = error_of(answer)
    if name == "AuthorisationException":
        return MissingScope(f"The token of this repository does not allow it: {said}")
    meaning = _MEANINGS.get(name)
    if meaning is None and answer.status_code == 401:
        meaning = WrongToken
    if meaning is None and answer.status_code == 403:
        return MissingScope(f"The token of this repository does not allow it: {said}")
    if meaning is WrongToken:
        return WrongToken("Bitbucket does not accept the token of this repository: it is wrong, revoked or expired.")
    if meaning is RepositoryGone:
        return RepositoryGone(f"{said} It was renamed, removed, or the token may not see it.")
    if meaning is not None:
        return meaning(said, exception=name)
    return FilesError(f"Bitbucket refused it ({answer.status_code}): {said}", code=answer.status_code, error=error)


def error_of(answer: requests.Response) -> tuple[str, str, dict[str, Any]]:
    """The exception's short name, what the server says, and the error itself."""
    try:
        error = dict(answer.json()["errors"][0])
        return str(error.get("exceptionName") or "").rpartition(".")[2], str(error["message"]), error
    except (ValueError, KeyError, TypeError, IndexError):
        return "", plain_words(answer), {}


def branch_of(value: dict[str, Any]) -> Branch:
    """A branch from its JSON."""
    return Branch(value["displayId"], value["latestCommit"], bool(value.get("isDefault")))


def commit_of(value: dict[str, Any]) -> Commit:
    """A commit from its JSON."""
    author = Author(value["author"]["name"], value["author"].get("emailAddress", ""))
    time = datetime.fromtimestamp(value["authorTimestamp"] / 1000, UTC).isoformat()
    parents = tuple(parent["id"] for parent in value.get("parents", []))
    return Commit(value["id"], author, time, value["message"].strip("\n"), parents)


def pull_request_of(value: dict[str, Any]) -> PullRequest:
    """A pull request from its JSON."""
    merge = (value.get("properties") or {}).get("mergeCommit") or {}
    return PullRequest(
        number=value["id"],
        title=value["title"],
        source=value["fromRef"]["id"].removeprefix("refs/heads/"),
        target=value["toRef"]["id"].removeprefix("refs/heads/"),
        state=_STATES.get(value["state"], PullRequestState.DECLINED),
        url=value["links"]["self"][0]["href"],
        merge_commit=merge.get("id", ""),
        description=value.get("description") or "",
        reviewers=tuple(each["user"]["name"] for each in value.get("reviewers") or ()),
    )
