"""Temporary branches: what they are called, and that nothing else is ever removed."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from selfservice.files.repository import Repository

TEMPORARY = "selfservice/"


def branch_name(login: str, path: str, short_id: str) -> str:
    """The name of a temporary branch: whose it is and what for."""
    return f"{branches_of(login)}{_plain(PurePosixPath(path).name or 'files')}-{short_id}"


def branches_of(login: str) -> str:
    """What the names of all temporary branches of somebody begin with."""
    return f"{TEMPORARY}{_plain(login)}/"


def remove(repository: Repository, branch: str) -> None:
    """Remove a temporary branch; the first edit of a repository stands on none, and no other branch is touched."""
    if branch.startswith(TEMPORARY):
        repository.delete_branch(branch)


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", text.replace(".", "-")).strip("-")[:60] or "x"
