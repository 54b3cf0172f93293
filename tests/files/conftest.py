"""A repository of every kind, with the same first files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from selfservice.files.git import Git, make_bare
from selfservice.files.git_commits import write_commit
from selfservice.files.git_repository import GitRepository
from selfservice.files.repository import Repository
from tests.files.cast import first_commit


@dataclass
class Kept:
    """A repository as this program sees it, and the real git repository behind it."""

    kind: str
    repository: Repository
    git: Git


@pytest.fixture
def git(tmp_path: Path) -> Git:
    """A bare repository with the first files."""
    made = make_bare(tmp_path / "playbooks.git")
    write_commit(made, first_commit())
    return made


@pytest.fixture(params=["local"])
def kept(request: pytest.FixtureRequest, git: Git) -> Iterator[Kept]:
    """Each kind in turn, on that repository."""
    yield Kept("local", GitRepository(git.folder), git)


@pytest.fixture
def repository(kept: Kept) -> Repository:
    """The repository as this program sees it."""
    return kept.repository
