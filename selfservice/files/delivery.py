"""From a draft to the base branch: commit, take over what others did, pull request, merge, discard."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping

from selfservice.audit.actions import Actor, Kind
from selfservice.errors import ApplicationError, BadInput, Forbidden
from selfservice.files import temporary
from selfservice.files.edits import Edits, FileChange, content_or_none, owner_of
from selfservice.files.errors import BranchGone, BranchMoved, NothingChanged
from selfservice.files.merge import has_markers
from selfservice.files.models import Edit, EditState, RepositoryRecord
from selfservice.files.moved import BaseMoved, Contested, contested
from selfservice.files.registry import Registry
from selfservice.files.repository import (
    EDIT_TRAILER,
    Author,
    Branch,
    NewCommit,
    NewPullRequest,
    PullRequest,
    PullRequestState,
    Repository,
    find_commit,
)

logger = logging.getLogger(__name__)

_LONGEST_MESSAGE = 10_000
_LONGEST_TITLE = 250


class Delivery:
    """Brings edits back to where they began."""

    def __init__(self, edits: Edits, registry: Registry) -> None:
        """Work on the edits of one node."""
        self._edits = edits
        self._registry = registry

    def contested(self, edit: Edit) -> tuple[Branch, list[Contested]]:
        """Where the base branch stands now, and the files that others changed meanwhile, too."""
        opened = self._edits.repository(edit)
        base = _base(opened, edit)
        if base.tip == edit.base_commit:
            return base, []
        return base, contested(opened, base.tip, self._edits.changes(edit))

    def commit(self, edit: Edit, message: str, actor: Actor, author: Author, *, may_merge: bool) -> str:
        """The id of the commit on the temporary branch; the first one of a repository makes its main branch.

        Raises BaseMoved, BadInput, NothingChanged, or Forbidden for a first one without the right to merge.
        """
        message = _checked_text(message, "message", _LONGEST_MESSAGE)
        if edit.is_first and not may_merge:
            raise Forbidden(
                f"The first commit of a repository goes to {edit.base_branch} itself, which needs the right"
                " “file:merge”. Your drafts are kept."
            )
        opened = self._edits.repository(edit)
        sent = edit.branch_tip
        edit = self._answered(opened, edit, actor)
        if not edit.is_unfinished:
            return edit.branch_tip  # the first commit of the repository, whose answer was lost
        self._refuse_moved(edit)
        changes = self._edits.changes(edit)
        unsettled = [change.path for change in changes if change.after is not None and has_markers(change.after)]
        if unsettled:
            raise BadInput(
                f"{unsettled[0]} still has marks of both sides (<<<<<<<). Decide what shall stand there.", "content"
            )
        wanted = [each for each in changes if each.after != content_or_none(opened, edit.branch_tip, each.path)]
        if not wanted and edit.branch_tip != sent:
            return edit.branch_tip  # it was made the last time, only the answer was lost
        if not wanted:
            raise NothingChanged("Nothing was changed since the latest commit, so there is nothing to commit.")
        new = self._new_commit(edit, wanted, message, author)
        try:
            commit = opened.commit(new)
        except BranchMoved:
            # The same commit was sent before and its answer was lost, or a double click sent it.
            found = find_commit(opened, new)
            if found is None:
                raise
            commit = found
        edit = self._committed(edit, commit, actor, [change.path for change in wanted])
        if edit.state == EditState.OPEN and edit.pull_request is not None:
            self._open_again(opened, edit, edit.pull_request, actor)
        return commit

    def take_over(self, edit: Edit, seen: str, decided: Mapping[str, bytes | None], actor: Actor) -> Edit:
        """Begin anew from the commit `seen` of the base branch, with what was decided for contested files.

        Raises BaseMoved where the base branch has moved on, or where a contested file is not decided.
        """
        base, sides = self.contested(edit)
        if base.tip != seen:
            raise BaseMoved(f"{edit.base_branch} has changed once more. Look at what is there now.")
        missing = sorted({each.path for each in sides} - set(decided))
        if missing:
            raise BaseMoved(f"Decide what shall become of {missing[0]} first.")
        for path, wanted in decided.items():
            if wanted is not None and has_markers(wanted):
                raise BadInput(
                    f"{path} still has marks of both sides (<<<<<<<). Decide what shall stand there.", "content"
                )
        opened, paths = self._edits.repository(edit), self._edits.paths(edit)
        old, short_id = edit.branch, secrets.token_hex(4)
        name = temporary.branch_name(actor.name, paths[0] if len(paths) == 1 else "", short_id)
        opened.create_branch(name, base.tip)
        for path, wanted in decided.items():
            self._edits.keep(edit, path, wanted)
        fresh = {"branch": name, "branch_tip": base.tip, "short_id": short_id, "commits": 0, "state": EditState.OPEN}
        edit = self._edits.update(edit, base_commit=base.tip, **fresh)
        self._edits.record(Kind.BRANCH_CREATE, actor, edit, commit=base.tip)
        if edit.pull_request is not None:
            opened.decline(edit.pull_request)
        temporary.remove(opened, old)
        return edit

    def open_pull_request(
        self, edit: Edit, title: str, description: str, reviewers: tuple[str, ...], actor: Actor
    ) -> PullRequest:
        """Ask for the branch to be taken in. Raises NothingChanged where nothing is committed on it."""
        self._require_commit(edit)
        self._refuse_moved(edit)
        title = _checked_text(title, "title", _LONGEST_TITLE)
        new = NewPullRequest(edit.branch, edit.base_branch, title, description.strip(), reviewers)
        made = self._edits.repository(edit).open_pull_request(new)
        self._edits.update(edit, state=EditState.REQUESTED, pull_request=made.number, pull_request_url=made.url)
        self._edits.record(Kind.PULL_REQUEST_OPEN, actor, edit, commit=edit.branch_tip, number=str(made.number))
        return made

    def merge(self, edit: Edit, actor: Actor, author: Author) -> PullRequest:
        """Take the branch in by its pull request, opened where there is none, and remove the branch."""
        self._require_commit(edit)
        opened = self._edits.repository(edit)
        if edit.state != EditState.REQUESTED or edit.pull_request is None:
            title = opened.history(edit.branch_tip, limit=1)[0].title
            made = self.open_pull_request(edit, title, "", (), actor)
        else:
            made = opened.pull_request(edit.pull_request)
        if made.state is not PullRequestState.MERGED:
            self._refuse_moved(edit)
            made = opened.merge(made.number, f"Merge {edit.branch}\n\n{made.title}\n", author)
        self._edits.record(Kind.PULL_REQUEST_MERGE, actor, edit, commit=made.merge_commit, number=str(made.number))
        self._edits.update(edit, state=EditState.MERGED, pull_request=made.number, merge_commit=made.merge_commit)
        temporary.remove(opened, edit.branch)
        return made

    def look(self, edit: Edit, actor: Actor) -> Edit:
        """The edit after its pull request was looked at: somebody may have merged or declined it elsewhere."""
        if edit.state != EditState.REQUESTED or edit.pull_request is None:
            return edit
        opened = self._edits.repository(edit)
        found = opened.pull_request(edit.pull_request)
        if found.state is PullRequestState.OPEN:
            return edit
        if found.state is PullRequestState.DECLINED:
            return self._edits.update(edit, state=EditState.OPEN, pull_request=None, pull_request_url="")
        temporary.remove(opened, edit.branch)
        return self._edits.update(edit, state=EditState.MERGED, merge_commit=found.merge_commit)

    def discard(self, edit: Edit, actor: Actor) -> None:
        """Give the edit up: its pull request is closed, its branch and its drafts go."""
        self._edits.record(Kind.EDIT_DISCARD, actor, edit, commit=edit.branch_tip)
        opened = self._edits.repository(edit)
        if edit.pull_request is not None:
            opened.decline(edit.pull_request)
        temporary.remove(opened, edit.branch)
        self._edits.update(edit, state=EditState.DISCARDED)

    def abandoned(self, record: RepositoryRecord) -> list[Branch]:
        """Temporary branches that no unfinished edit stands on."""
        used = self._edits.branches_in_use(record)
        branches = self._registry.open(record).branches()
        return [
            branch for branch in branches if branch.name.startswith(temporary.TEMPORARY) and branch.name not in used
        ]

    def clean(self, record: RepositoryRecord, name: str, actor: Actor, *, any_owner: bool) -> None:
        """Remove an abandoned branch: one's own, or anybody's with the right to."""
        if name not in {branch.name for branch in self.abandoned(record)}:
            raise BranchGone(f"There is no abandoned branch {name} (any more).")
        if not any_owner and not name.startswith(temporary.branches_of(actor.name)):
            raise Forbidden(f"{name} is not your branch; somebody who may edit repositories can remove it.")
        self._edits.record_branch(Kind.BRANCH_DELETE, actor, record, name)
        self._registry.open(record).delete_branch(name)

    def _answered(self, opened: Repository, edit: Edit, actor: Actor) -> Edit:
        """The edit after a commit whose answer was lost was looked for."""
        tip = _base(opened, edit).tip if edit.is_first else opened.branch(edit.branch).tip
        if tip == edit.branch_tip:
            return edit
        new = self._new_commit(edit, [], "", Author("", ""))
        found = find_commit(opened, new)
        if found is None and edit.is_first:
            return edit
        if found is None:
            raise BranchMoved(f"Somebody else has committed to {edit.branch}. Discard this edit and start again.")
        return self._committed(edit, found, actor, self._edits.paths(edit))

    def _committed(self, edit: Edit, commit: str, actor: Actor, paths: list[str]) -> Edit:
        self._edits.record(Kind.FILE_COMMIT, actor, edit, path=", ".join(paths), commit=commit)
        done = {"state": EditState.MERGED, "merge_commit": commit} if edit.is_first else {}
        return self._edits.update(edit, branch_tip=commit, commits=edit.commits + 1, **done)

    def _open_again(self, opened: Repository, edit: Edit, number: int, actor: Actor) -> None:
        """Let a pull request go on that was closed with its branch; where that fails, the page offers it."""
        try:
            before = opened.pull_request(number)
            opened.decline(number)
            words = f"{before.description}\n\nGoes on from pull request {number}.".strip()
            self.open_pull_request(edit, before.title, words, before.reviewers, actor)
        except ApplicationError as error:
            logger.warning("pull request %s of %s could not be opened again: %s", number, edit.branch, error.sentence)

    def _new_commit(self, edit: Edit, changes: list[FileChange], message: str, author: Author) -> NewCommit:
        text = f"{message}\n\n{EDIT_TRAILER}: {edit.short_id}-{edit.commits + 1}\n"
        return NewCommit(edit.branch, edit.branch_tip, tuple(each.change for each in changes), text, author)

    def _refuse_moved(self, edit: Edit) -> None:
        base, sides = self.contested(edit)
        if edit.is_first and base.tip:
            raise BaseMoved(
                f"Somebody else has made the first commit of {edit.base_branch} meanwhile. Look at it first."
            )
        if sides:
            names = ", ".join(each.path for each in sides)
            raise BaseMoved(
                f"Somebody else has changed {names} on {edit.base_branch} meanwhile. Look at both sides first."
            )

    def _require_commit(self, edit: Edit) -> None:
        if edit.branch_tip == edit.base_commit:
            raise NothingChanged("Nothing is committed on this branch yet.")


def _base(opened: Repository, edit: Edit) -> Branch:
    """Where the base branch stands; nowhere, where an edit is the first of its repository."""
    try:
        return opened.branch(edit.base_branch)
    except BranchGone:
        if edit.is_first:
            return Branch(edit.base_branch, "")
        raise


def person_of(actor: Actor) -> Author:
    """Who stands in the commits of somebody."""
    return Author(actor.name, f"{owner_of(actor).replace(':', '-').replace(' ', '-')}@selfservice.invalid")


def _checked_text(text: str, field: str, most: int) -> str:
    text = text.replace("\r\n", "\n").replace("\0", "").strip()
    if not text:
        raise BadInput("Say in a few words what you changed and why.", field)
    if len(text) > most:
        raise BadInput(f"This has at most {most} characters.", field)
    return text
