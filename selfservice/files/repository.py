"""What every kind of repository can be asked: one interface over Bitbucket and local git."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from selfservice.files.errors import BranchGone, FileTooLarge

#: By this trailer a commit whose answer was lost is found again.
EDIT_TRAILER = "Selfservice-Edit"


class EntryKind(StrEnum):
    """What a path of a tree is."""

    FILE = "file"
    EXECUTABLE = "executable"
    LINK = "link"
    SUBMODULE = "submodule"


@dataclass(frozen=True)
class Branch:
    """A branch and the commit it stands at."""

    name: str
    tip: str
    is_default: bool = False


@dataclass(frozen=True)
class Entry:
    """One file of a commit."""

    path: str
    kind: EntryKind = EntryKind.FILE


@dataclass(frozen=True)
class Author:
    """Who stands in a commit."""

    name: str
    email: str

    def __str__(self) -> str:
        """As git writes it."""
        return f"{self.name} <{self.email}>"


@dataclass(frozen=True)
class Commit:
    """One commit: what was said, by whom, when."""

    id: str
    author: Author
    #: ISO 8601 with the zone.
    time: str
    message: str
    parents: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The first line of its message."""
        return self.message.strip().partition("\n")[0]


@dataclass(frozen=True)
class Write:
    """A file's new content, whole."""

    path: str
    content: bytes


@dataclass(frozen=True)
class Delete:
    """A file that goes."""

    path: str


Change = Write | Delete


@dataclass(frozen=True)
class NewCommit:
    """Several files at once, on top of the commit that the branch is expected to stand at."""

    branch: str
    expected: str
    changes: tuple[Change, ...]
    message: str
    author: Author

    @property
    def marker(self) -> str:
        """The last line of the message, where it is the trailer of an edit."""
        last = self.message.rstrip().rpartition("\n")[2]
        return last if last.startswith(f"{EDIT_TRAILER}:") else ""


class PullRequestState(StrEnum):
    """Where a pull request stands."""

    OPEN = "open"
    MERGED = "merged"
    DECLINED = "declined"


@dataclass(frozen=True)
class NewPullRequest:
    """A request to take one branch into another."""

    source: str
    target: str
    title: str
    description: str = ""
    #: Names as the server knows them: account UUIDs in the Cloud, user names in the Data Center.
    reviewers: tuple[str, ...] = ()


@dataclass(frozen=True)
class PullRequest:
    """A pull request as it stands."""

    number: int
    title: str
    source: str
    target: str
    state: PullRequestState
    url: str = ""
    merge_commit: str = ""
    description: str = ""
    reviewers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Check:
    """One thing that a connection test tried."""

    what: str
    ok: bool
    sentence: str = ""


@dataclass(frozen=True)
class Stream:
    """A file's bytes as they come."""

    chunks: Iterator[bytes]
    size: int | None = None


class Repository(Protocol):
    """One repository, wherever it is kept; every method may raise an error of `errors`."""

    def check(self) -> tuple[Check, ...]:
        """What works with these credentials and what exactly is missing; raises nothing of its own."""

    def branches(self) -> tuple[Branch, ...]:
        """Every branch, by name; none where the repository has no commit yet."""

    def branch(self, name: str) -> Branch:
        """One branch. Raises BranchGone."""

    def tree(self, commit: str) -> tuple[Entry, ...]:
        """Every file of a commit, by path. Raises CommitGone."""

    def open(self, commit: str, path: str) -> Stream:
        """A file's bytes. Raises FileGone."""

    def archive(self, commit: str) -> Stream:
        """All files of a commit as one zip. Raises CommitGone."""

    def history(self, commit: str, path: str = "", *, skip: int = 0, limit: int = 30) -> tuple[Commit, ...]:
        """The commits that changed `path` (any path by default), newest first."""

    def create_branch(self, name: str, commit: str) -> Branch:
        """A branch from `commit`. Raises BranchExists."""

    def delete_branch(self, name: str) -> None:
        """Remove a branch; one that is gone already is no error. Raises BranchProtected."""

    def commit(self, new: NewCommit) -> str:
        """The id of the new commit. Raises BranchMoved, and then nothing was written, or NothingChanged."""

    def open_pull_request(self, new: NewPullRequest) -> PullRequest:
        """Open it; the one that is open already between these branches is given back."""

    def pull_request(self, number: int) -> PullRequest:
        """One pull request as it stands now."""

    def decline(self, number: int) -> None:
        """Close it without taking anything in; one that is closed already is no error."""

    def merge(self, number: int, message: str, author: Author) -> PullRequest:
        """Take the source into the target. Raises MergeConflict or BranchProtected.

        A local repository names `author` in the merge commit, Bitbucket the owner of its token.
        """

    def commit_url(self, commit: str) -> str:
        """Where people look at the commit; empty where there is no such page."""


def content(repository: Repository, commit: str, path: str, most: int) -> bytes:
    """A file of at most `most` bytes. Raises FileGone or FileTooLarge."""
    stream = repository.open(commit, path)
    with closing_chunks(stream) as chunks:
        if stream.size is not None and stream.size > most:
            raise FileTooLarge(_too_large(path, most), size=stream.size)
        found = bytearray()
        for chunk in chunks:
            found += chunk
            if len(found) > most:
                raise FileTooLarge(_too_large(path, most))
    return bytes(found)


@contextmanager
def closing_chunks(stream: Stream) -> Iterator[Iterable[bytes]]:
    """The chunks of a stream, whose connection or process ends with the block."""
    try:
        yield stream.chunks
    finally:
        close = getattr(stream.chunks, "close", None)
        if close:
            close()


def last_change(repository: Repository, commit: str, path: str) -> Commit | None:
    """The latest commit that changed `path`, seen from `commit`."""
    found = repository.history(commit, path, limit=1)
    return found[0] if found else None


def find_commit(repository: Repository, new: NewCommit) -> str | None:
    """The commit that `new` became though its answer was lost, or None where it was never made."""
    try:
        tip = repository.branch(new.branch).tip
    except BranchGone:
        return None
    for each in repository.history(tip, limit=50):
        if each.id == new.expected:
            return None
        if new.marker and re.search(rf"^{re.escape(new.marker)}\s*$", each.message, re.MULTILINE):
            return each.id
    return None


def _too_large(path: str, most: int) -> str:
    return f"{path} has more than {most // 1024} KiB, which is more than is shown or edited here; download it."
