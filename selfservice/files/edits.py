"""Unfinished edits: a temporary branch, and drafts that outlive sessions and restarts."""

from __future__ import annotations

import copy
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select

from selfservice.accounts.permissions import Permission
from selfservice.audit.actions import Action, Actor, Kind
from selfservice.audit.journal import Journal
from selfservice.errors import BadInput, NotFound
from selfservice.files.errors import BranchGone, FileGone, FilesError, NotOffered
from selfservice.files.models import Edit, EditFile, EditState, RepositoryRecord
from selfservice.files.paths import checked, checked_branch, refuse_twin
from selfservice.files.registry import Registry
from selfservice.files.repository import Change, Delete, EntryKind, Repository, Write, content
from selfservice.files.temporary import branch_name
from selfservice.scope import Sight
from selfservice.store.database import Database

#: Above this a file is shown and edited nowhere, only downloaded or replaced by an upload.
MOST_TEXT = 1024 * 1024
MOST_UPLOAD = 10 * 1024 * 1024
_UNFINISHED = (EditState.OPEN, EditState.REQUESTED)


class EditNotFound(NotFound):
    """There is no such edit, or it is somebody else's."""

    title = "No such edit"


class EditEnded(FilesError):
    """The edit was merged or discarded."""

    problem_type = "edit-ended"
    title = "This edit is over"


class DraftChanged(FilesError):
    """The same draft was saved from another window meanwhile."""

    problem_type = "draft-changed"
    title = "The draft was changed in another window"


@dataclass(frozen=True)
class FileChange:
    """One file of an edit: as it was where the edit began, and as its owner wants it; None where it is not."""

    path: str
    before: bytes | None
    after: bytes | None
    version: int

    @property
    def kind(self) -> str:
        """What becomes of the file, in a word."""
        if self.before is None:
            return "new"
        return "deleted" if self.after is None else "changed"

    @property
    def change(self) -> Change:
        """As a repository takes it."""
        return Delete(self.path) if self.after is None else Write(self.path, self.after)


class Edits:
    """The edits of all people on one node; each sees only their own."""

    def __init__(self, database: Database, journal: Journal, registry: Registry) -> None:
        """Keep drafts in `database`."""
        self._database = database
        self._journal = journal
        self._registry = registry

    def seen_by(self, sight: Sight) -> Edits:
        """The same for somebody: an edit of a repository that they do not see (any more) is not there."""
        bound = copy.copy(self)
        bound._registry = self._registry.seen_by(sight)
        return bound

    def start(self, repository: str, base_branch: str, actor: Actor, path: str = "") -> Edit:
        """A temporary branch from the tip of `base_branch`; the unfinished edit of `path`, where there is one.

        In a repository without any commit there is nothing to branch from: the edit is of `base_branch` itself.
        """
        record = self._registry.get(repository)
        self._registry.require(Permission.FILE_EDIT, record)
        if path:
            known = self._unfinished_of(record, base_branch, checked(path), actor)
            if known is not None:
                return known
        opened = self._registry.open(record)
        try:
            base = opened.branch(checked_branch(base_branch))
        except BranchGone:
            if path or opened.branches():
                raise
            return self._first(record, base_branch, actor)
        if path:
            self._refuse_link(record, base.tip, path)
        before = content(opened, base.tip, path, MOST_TEXT) if path else None
        short_id = secrets.token_hex(4)
        branch = branch_name(actor.name, path, short_id)
        opened.create_branch(branch, base.tip)
        edit = Edit(
            short_id=short_id,
            repository_id=record.id,
            owner=owner_of(actor),
            base_branch=base.name,
            base_commit=base.tip,
            branch=branch,
            branch_tip=base.tip,
        )
        with self._database.session() as session:
            session.add(edit)
            session.flush()
            if path:
                session.add(EditFile(edit_id=edit.id, path=path, content=before))
            self.record(Kind.BRANCH_CREATE, actor, edit, path=path, commit=base.tip)
        return edit

    def get(self, edit_id: int, actor: Actor) -> Edit:
        """One's own edit. Raises EditNotFound."""
        with self._database.session() as session:
            found = session.get(Edit, edit_id)
        if found is None or found.owner != owner_of(actor):
            raise EditNotFound("There is no such edit (any more), or it is somebody else's.")
        self._registry.by_id(found.repository_id)  # raises where it is not to be seen (any more)
        return found

    def unfinished(self, actor: Actor, edit_id: int) -> Edit:
        """One's own edit that can still be changed. Raises EditNotFound or EditEnded."""
        found = self.get(edit_id, actor)
        if not found.is_unfinished:
            raise EditEnded(f"This edit is {found.state}; start a new one from the file.")
        self._registry.require(Permission.FILE_EDIT, self._registry.by_id(found.repository_id))
        return found

    def mine(self, actor: Actor) -> list[Edit]:
        """One's own unfinished edits, latest first."""
        with self._database.session() as session:
            chosen = select(Edit).where(Edit.owner == owner_of(actor), Edit.state.in_(_UNFINISHED))
            found = list(session.scalars(chosen.order_by(Edit.changed_at.desc())))
        seen = {record.id for record in self._registry.all()}
        return [each for each in found if each.repository_id in seen]

    def branches_in_use(self, record: RepositoryRecord) -> set[str]:
        """The temporary branches that an unfinished edit of anybody stands on."""
        with self._database.session() as session:
            chosen = select(Edit.branch).where(Edit.repository_id == record.id, Edit.state.in_(_UNFINISHED))
            return set(session.scalars(chosen))

    def paths(self, edit: Edit) -> list[str]:
        """The paths of its files."""
        with self._database.session() as session:
            return list(
                session.scalars(select(EditFile.path).where(EditFile.edit_id == edit.id).order_by(EditFile.path))
            )

    def changes(self, edit: Edit) -> list[FileChange]:
        """Every file of the edit, beside what it was at the commit where the edit began."""
        opened = self.repository(edit)
        with self._database.session() as session:
            rows = list(session.scalars(select(EditFile).where(EditFile.edit_id == edit.id).order_by(EditFile.path)))
        return [
            FileChange(row.path, content_or_none(opened, edit.base_commit, row.path), row.content, row.version)
            for row in rows
        ]

    def keep(self, edit: Edit, path: str, wanted: bytes | None, version: int | None = None) -> int:
        """Keep a draft; None deletes the file. Gives its new version. Raises DraftChanged."""
        if wanted is not None and len(wanted) > MOST_UPLOAD:
            raise BadInput(f"A file has at most {MOST_UPLOAD // 1024 // 1024} MiB here.", "content")
        with self._database.session() as session:
            row = session.scalar(select(EditFile).where(EditFile.edit_id == edit.id, EditFile.path == checked(path)))
            if row is None:
                row = EditFile(edit_id=edit.id, path=path, version=0)
                session.add(row)
            elif version is not None and row.version != version:
                raise DraftChanged(f"{path} was saved from another window meanwhile. Load the page to see that draft.")
            row.content = wanted
            row.version += 1
            session.get_one(Edit, edit.id).changed_at = datetime.now(UTC)
            session.flush()
            return row.version

    def add(self, edit: Edit, path: str, wanted: bytes) -> None:
        """A new file. Raises PathRefused where it, or one that looks like it, is there already."""
        record = self._registry.by_id(edit.repository_id)
        there = set() if edit.is_first else {entry.path for entry in self._registry.tree(record, edit.base_commit)}
        for change in self.changes(edit):
            (there.discard if change.after is None else there.add)(change.path)
        refuse_twin(checked(path), there)
        self.keep(edit, path, wanted)

    def rename(self, edit: Edit, path: str, to: str) -> None:
        """The same content under another path."""
        row = next((change for change in self.changes(edit) if change.path == path), None)
        wanted = row.after if row else content_or_none(self.repository(edit), edit.base_commit, checked(path))
        if wanted is None:
            raise FileGone(f"There is no file {path} in this edit (any more).")
        self.add(edit, to, wanted)
        self.remove(edit, path)

    def remove(self, edit: Edit, path: str) -> None:
        """Delete a file; a new one of this edit is just left out again."""
        if content_or_none(self.repository(edit), edit.branch_tip, path) is None:
            self.leave_out(edit, path)
        else:
            self.keep(edit, path, None)

    def leave_out(self, edit: Edit, path: str) -> None:
        """Undo what the edit does to a file; what is committed to its branch is written back by the next commit."""
        opened = self.repository(edit)
        before = content_or_none(opened, edit.base_commit, path)
        if before != content_or_none(opened, edit.branch_tip, path):
            self.keep(edit, path, before)
            return
        with self._database.session() as session:
            row = session.scalar(select(EditFile).where(EditFile.edit_id == edit.id, EditFile.path == path))
            if row is not None:
                session.delete(row)

    def update(self, edit: Edit, **values: object) -> Edit:
        """Write down what became of it."""
        with self._database.session() as session:
            found = session.get_one(Edit, edit.id)
            for name, value in values.items():
                setattr(found, name, value)
            found.changed_at = datetime.now(UTC)
        return found

    def repository(self, edit: Edit) -> Repository:
        """The repository it works in."""
        return self._registry.open(self._registry.by_id(edit.repository_id))

    def record_download(self, edit: Edit, path: str, actor: Actor) -> None:
        """Write down that somebody took their draft away."""
        self.record(Kind.FILE_DOWNLOAD, actor, edit, path=path, commit=edit.branch_tip)

    def record(self, kind: Kind, actor: Actor, edit: Edit, *, path: str = "", commit: str = "", **more: str) -> None:
        """Write an action on this edit into the journal; on all of its files, where no path is named."""
        repository, path = self._registry.by_id(edit.repository_id), path or ", ".join(self.paths(edit))
        self.record_branch(kind, actor, repository, edit.branch, path=path, commit=commit, **more)

    def record_branch(self, kind: Kind, actor: Actor, record: RepositoryRecord, branch: str, **more: str) -> None:
        """Write an action on a branch into the journal."""
        detail = {"repository": record.name, "branch": branch, **more}
        target = f"{record.name}: {more.get('path') or branch}"
        self._journal.append(
            Action(kind, actor, target, detail={name: value for name, value in detail.items() if value})
        )

    def _refuse_link(self, record: RepositoryRecord, commit: str, path: str) -> None:
        kinds = {entry.path: entry.kind for entry in self._registry.tree(record, commit)}
        if kinds.get(path) in (EntryKind.LINK, EntryKind.SUBMODULE):
            raise NotOffered(f"{path} is a link to somewhere else, not a file; change what it leads to, or use git.")

    def _first(self, record: RepositoryRecord, branch: str, actor: Actor) -> Edit:
        with self._database.session() as session:
            mine = select(Edit).where(Edit.owner == owner_of(actor), Edit.state == EditState.OPEN)
            here = mine.where(Edit.repository_id == record.id, Edit.branch == branch, Edit.base_commit == "")
            known = session.scalars(here).first()
            if known is not None:
                return known
            edit = Edit(
                short_id=secrets.token_hex(4),
                repository_id=record.id,
                owner=owner_of(actor),
                base_branch=branch,
                base_commit="",
                branch=branch,
                branch_tip="",
            )
            session.add(edit)
        return edit

    def _unfinished_of(self, record: RepositoryRecord, base: str, path: str, actor: Actor) -> Edit | None:
        with self._database.session() as session:
            chosen = select(Edit).join(EditFile, EditFile.edit_id == Edit.id)
            mine = chosen.where(Edit.owner == owner_of(actor), Edit.state == EditState.OPEN)
            here = mine.where(Edit.repository_id == record.id, Edit.base_branch == base, EditFile.path == path)
            return session.scalars(here.order_by(Edit.changed_at.desc())).first()


def owner_of(actor: Actor) -> str:
    """Whose edits these are; a token is not the person of the same name."""
    return f"token:{actor.name}" if actor.via == "token" else actor.name


def content_or_none(repository: Repository, commit: str, path: str) -> bytes | None:
    """A file's bytes, or None where there is no such file, or no commit yet."""
    try:
        return content(repository, commit, path, MOST_UPLOAD) if commit else None
    except FileGone:
        return None
