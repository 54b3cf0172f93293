"""Which paths and branch names are refused, and why."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from selfservice.errors import BadInput
from selfservice.files.errors import CommitGone, PathRefused

LONGEST_PATH = 255
_LONGEST_BRANCH = 200
#: What git takes for its own folder on file systems that fold case or shorten names.
_GIT_FOLDER = re.compile(r"\.git[ .]*|git~[0-9]+", re.IGNORECASE)
_COMMIT = re.compile(r"[0-9a-f]{40}\Z")
#: What `git check-ref-format` refuses anywhere in a name.
_NEVER_IN_BRANCH = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//")


def checked(path: str, field: str = "path") -> str:
    """`path`, where it may be read and written. Raises PathRefused with the reason."""
    reason = _reason(path)
    if reason:
        raise PathRefused(reason, field)
    return path


def refuse_twin(path: str, existing: Iterable[str], field: str = "path") -> None:
    """Refuse a new path that people could not tell from one that is there. Raises PathRefused."""
    wanted = folded(path)
    for each in existing:
        if each == path:
            raise PathRefused(f"{path} is there already.", field)
        if folded(each) == wanted:
            raise PathRefused(
                f"{path} differs from {each}, which is there already, only in how its letters are encoded or in"
                " capitals; on some machines they would be one file.",
                field,
            )
        if each.startswith(f"{path}/"):
            raise PathRefused(f"{path} is a folder already.", field)
        if path.startswith(f"{each}/"):
            raise PathRefused(f"{each} is a file, so nothing can be in it.", field)


def checked_commit(commit: str) -> str:
    """`commit`, where it is the id of one: it becomes part of addresses and commands. Raises CommitGone."""
    if not _COMMIT.match(commit):
        raise CommitGone(f"“{commit[:60]}” is not the id of a commit.")
    return commit


def folded(path: str) -> str:
    """One form for all paths that some machine takes for the same."""
    return unicodedata.normalize("NFC", path).casefold()


def checked_branch(name: str, field: str = "branch") -> str:
    """`name`, where git takes it as the name of a branch. Raises BadInput with the reason."""
    if not name:
        raise BadInput("Name a branch.", field)
    if len(name) > _LONGEST_BRANCH:
        raise BadInput(f"A branch's name has at most {_LONGEST_BRANCH} characters here.", field)
    parts = name.split("/")
    if (
        _NEVER_IN_BRANCH.search(name)
        or name.startswith("-")
        or name == "@"
        or any(not part or part.startswith(".") or part.endswith((".", ".lock")) for part in parts)
        or not _is_unicode(name)
    ):
        raise BadInput(
            "This is not the name of a branch: git allows no spaces, no .. and none of ~ ^ : ? * [ \\ in one.", field
        )
    return name


def _reason(path: str) -> str:  # noqa: C901  # one reason after the other, nothing nested
    if not path:
        return "Name a file."
    if not _is_unicode(path):
        return "This path is not readable text (UTF-8), so it cannot be used here."
    if len(path) > LONGEST_PATH:
        return f"A path has at most {LONGEST_PATH} characters; this one has {len(path)}."
    if "\\" in path:
        return "A path has forward slashes only, no backslash."
    if any(unicodedata.category(letter) in ("Cc", "Cf", "Zl", "Zp") for letter in path):
        return "A path cannot hold characters that nobody sees (control characters, line ends, text direction)."
    if path.startswith("/"):
        return "A path begins in the repository, without a leading slash."
    parts = path.split("/")
    if any(part in ("", ".") for part in parts):
        return "A path has no empty part and no “.” in it."
    if ".." in parts:
        return "A path cannot lead out of the repository with “..”."
    if any(_GIT_FOLDER.fullmatch(part) for part in parts):
        return "What is in .git belongs to git itself and is not a file of the repository."
    if any(len(part.encode()) > LONGEST_PATH for part in parts):
        return f"A name in this path has more than {LONGEST_PATH} bytes, which no file system stores."
    return ""


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
