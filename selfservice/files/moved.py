"""What others did to the same files since an edit began: three sides, and what comes of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from selfservice.files.edits import FileChange, content_or_none
from selfservice.files.errors import FilesError
from selfservice.files.merge import Merged, three_way
from selfservice.files.repository import Repository


class BaseMoved(FilesError):
    """Others changed the same files meanwhile, and the person has not seen it yet."""

    problem_type = "base-moved"
    title = "Somebody else has changed the same file"


@dataclass(frozen=True)
class Contested:
    """One file that both sides changed; None where a side does not have it."""

    path: str
    before: bytes | None
    theirs: bytes | None
    mine: bytes | None

    @property
    def merged(self) -> Merged:
        """Both brought together; where one side deleted the file, there is nothing to bring together."""
        if self.theirs is None or self.mine is None:
            return Merged(self.mine or b"", None)
        return three_way(self.before or b"", self.theirs, self.mine)


def contested(repository: Repository, base_tip: str, changes: Iterable[FileChange]) -> list[Contested]:
    """The files of an edit that are different at `base_tip` from where it began, and from what it wants."""
    found = []
    for change in changes:
        theirs = content_or_none(repository, base_tip, change.path)
        if theirs not in (change.before, change.after):
            found.append(Contested(change.path, change.before, theirs, change.after))
    return found
