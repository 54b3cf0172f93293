"""Looking at repositories: files of a branch, one file, its history, its bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from selfservice.audit.actions import Action, Actor, Kind
from selfservice.audit.journal import Journal
from selfservice.files import repository as repositories
from selfservice.files.edits import MOST_TEXT
from selfservice.files.errors import EmptyRepository, FileGone, FileTooLarge
from selfservice.files.models import RepositoryRecord
from selfservice.files.paths import checked, checked_branch
from selfservice.files.registry import Registry
from selfservice.files.repository import Branch, Commit, EntryKind
from selfservice.files.search import find
from selfservice.files.temporary import TEMPORARY
from selfservice.files.text import Text, decoded

_IMAGES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp"}
_MOST_FOUND = 50


@dataclass(frozen=True)
class Found:
    """Files that a search found, and how many there are at all."""

    paths: list[str]
    total: int


@dataclass(frozen=True)
class Shown:
    """One file as it is looked at."""

    path: str
    branch: Branch
    #: text | image | binary | large | link | submodule
    kind: str
    content: bytes
    text: Text | None
    changed: Commit | None


class Reading:
    """Looks at the registered repositories; what is opened or downloaded is audited."""

    def __init__(self, registry: Registry, journal: Journal) -> None:
        """Look at the repositories of `registry`."""
        self._registry = registry
        self._journal = journal

    def branches(self, record: RepositoryRecord) -> list[Branch]:
        """The branches of people: the main one first, temporary ones left out."""
        found = [each for each in self._registry.open(record).branches() if not each.name.startswith(TEMPORARY)]
        return sorted(found, key=lambda branch: (not branch.is_default, branch.name))

    def branch(self, record: RepositoryRecord, name: str) -> Branch:
        """The branch of that name, or the main one where none is named. Raises EmptyRepository."""
        if name:
            return self._registry.open(record).branch(checked_branch(name))
        found = self.branches(record)
        if not found:
            raise EmptyRepository(f"{record.title} has no commit yet: make the first one here, or push one.")
        return found[0]

    def find(self, record: RepositoryRecord, branch: Branch, query: str, most: int = _MOST_FOUND) -> Found:
        """The files of a branch that fit the query best."""
        paths = [entry.path for entry in self._registry.tree(record, branch.tip)]
        return Found(find(paths, query, most), len(paths))

    def show(self, record: RepositoryRecord, branch: Branch, path: str, actor: Actor) -> Shown:
        """One file as a page shows it. Raises FileGone."""
        opened = self._registry.open(record)
        kinds = {entry.path: entry.kind for entry in self._registry.tree(record, branch.tip)}
        if checked(path) not in kinds:
            raise FileGone(f"There is no file {path} on {branch.name} (any more).")
        kind, content = _kind_of(kinds[path]), b""
        if kind != "submodule":
            try:
                content = repositories.content(opened, branch.tip, path, MOST_TEXT)
            except FileTooLarge:
                kind = "large"
        text = decoded(content) if kind in ("file", "link") else None
        if kind == "file":
            kind = "text" if text else "image" if image_type(path) else "binary"
        changed = repositories.last_change(opened, branch.tip, path)
        self._record(Kind.FILE_VIEW, actor, record, path=path, branch=branch.name, commit=branch.tip)
        return Shown(path, branch, kind, content, text, changed)

    def download(self, record: RepositoryRecord, commit: str, path: str, actor: Actor) -> Iterator[bytes]:
        """The bytes of a file as they come. Raises FileGone."""
        stream = self._registry.open(record).open(commit, checked(path))
        self._record(Kind.FILE_DOWNLOAD, actor, record, path=path, commit=commit)
        return _closing(stream)

    def image(self, record: RepositoryRecord, commit: str, path: str) -> bytes:
        """The bytes of an image of a page that was looked at. Raises FileGone or FileTooLarge."""
        if image_type(path) is None:
            raise FileGone(f"{path} is no image that is shown here.")
        return repositories.content(self._registry.open(record), commit, checked(path), MOST_TEXT)

    def history(self, record: RepositoryRecord, branch: Branch, path: str, skip: int, limit: int) -> tuple[Commit, ...]:
        """The commits that changed a file (or anything), newest first."""
        return self._registry.open(record).history(branch.tip, path, skip=skip, limit=limit)

    def _record(self, kind: Kind, actor: Actor, record: RepositoryRecord, **detail: str) -> None:
        self._journal.append(
            Action(kind, actor, f"{record.name}: {detail['path']}", detail={"repository": record.name, **detail})
        )


def image_type(path: str) -> str | None:
    """The media type of an image that browsers draw without running anything in it."""
    return _IMAGES.get(PurePosixPath(path).suffix.lower())


def _kind_of(kind: EntryKind) -> str:
    return {EntryKind.LINK: "link", EntryKind.SUBMODULE: "submodule"}.get(kind, "file")


def _closing(stream: repositories.Stream) -> Iterator[bytes]:
    with repositories.closing_chunks(stream) as chunks:
        yield from chunks
