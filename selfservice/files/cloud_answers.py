"""What Bitbucket Cloud answers, read into the words of this program."""

from __future__ import annotations

from email.utils import parseaddr
from typing import Any

import requests

from selfservice.errors import ApplicationError
from selfservice.files.errors import (
    BranchProtected,
    FileGone,
    FilesError,
    MissingScope,
    RepositoryGone,
    WrongToken,
)
from selfservice.files.repository import (
    Author,
    Branch,
    Commit,
    Entry,
    EntryKind,
    PullRequest,
    PullRequestState,
)
from selfservice.files.rest import plain_words

_KINDS = {"link": EntryKind.LINK, "executable": EntryKind.EXECUTABLE, "subrepository": EntryKind.SUBMODULE}
_STATES = {"OPEN": PullRequestState.OPEN, "MERGED": PullRequestState.MERGED}


def explain(answer: requests.Response) -> ApplicationError:
    """A refusal as an error with a sentence."""
    said = message(answer)
    if answer.status_code == 401:
        return WrongToken("Bitbucket does not accept the token of this repository: it is wrong, revoked or expired.")
    if answer.status_code == 403:
        scopes = _required(answer)
        if scopes:
            return MissingScope(f"The token of this repository lacks the scope {', '.join(scopes)}.", scopes=scopes)
        # Assumed: a refusal that names no scope comes from a branch restriction or from missing rights.
        return BranchProtected(f"Bitbucket does not let this token do it: {said}")
    if answer.status_code in (404, 410):
        if "repository" in said.lower() or answer.status_code == 410:
            return RepositoryGone(
                "Bitbucket knows no such repository: it was renamed, removed, or the token may not see it."
            )
        return FileGone(f"Bitbucket does not find it: {said}")
    return FilesError(f"Bitbucket refused it ({answer.status_code}): {said}", code=answer.status_code)


def message(answer: requests.Response) -> str:
    """What the server says in an error; some of its answers are plain text."""
    try:
        error = answer.json()["error"]
        return str(error["message"])
    except (ValueError, KeyError, TypeError):
        return plain_words(answer)


def _required(answer: requests.Response) -> list[str]:
    try:
        return [str(scope) for scope in answer.json()["error"]["detail"]["required"]]
    except (ValueError, KeyError, TypeError):
        return []


def branch_of(value: dict[str, Any], default: str) -> Branch:
    """A branch from its JSON."""
    return Branch(value["name"], value["target"]["hash"], value["name"] == default)


def entry_of(value: dict[str, Any]) -> Entry:
    """A file from its JSON."""
    attributes = value.get("attributes") or []
    kind = next((_KINDS[each] for each in attributes if each in _KINDS), EntryKind.FILE)
    return Entry(value["path"], kind)


def commit_of(value: dict[str, Any]) -> Commit:
    """A commit from its JSON."""
    name, email = parseaddr(value["author"]["raw"])
    author = Author(name or value["author"]["raw"], email)
    parents = tuple(parent["hash"] for parent in value.get("parents", []))
    return Commit(value["hash"], author, value["date"], value["message"].strip("\n"), parents)


def pull_request_of(value: dict[str, Any]) -> PullRequest:
    """A pull request from its JSON; its hashes have twelve characters."""
    return PullRequest(
        number=value["id"],
        title=value["title"],
        source=value["source"]["branch"]["name"],
        target=value["destination"]["branch"]["name"],
        state=_STATES.get(value["state"], PullRequestState.DECLINED),
        url=value["links"]["html"]["href"],
        merge_commit=(value.get("merge_commit") or {}).get("hash", ""),
        description=value.get("description") or "",
        reviewers=tuple(each["uuid"] for each in value.get("reviewers") or ()),
    )
