"""What only a local bare repository has."""

from __future__ import annotations

from pathlib import Path

import pytest

from selfservice.files.errors import RepositoryGone
from selfservice.files.example import ensure_example
from selfservice.files.git import make_bare
from selfservice.files.git_repository import GitRepository
from selfservice.files.repository import content


def test_the_example_is_made_once_and_then_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "repositories" / "example.git"
    ensure_example(folder)
    repository = GitRepository(folder)
    tip = repository.branch("main").tip
    assert b"hosts: web" in content(repository, tip, "site.yml", 1000)
    ensure_example(folder)
    assert repository.branch("main").tip == tip
    assert sorted(path.name for path in folder.parent.iterdir()) == [".example.lock", "example.git"]


def test_a_repository_without_a_commit_has_no_branch_and_says_so(tmp_path: Path) -> None:
    make_bare(tmp_path / "empty.git")
    repository = GitRepository(tmp_path / "empty.git")
    assert repository.branches() == ()
    assert [(check.ok, check.sentence) for check in repository.check()] == [(True, "It has no commit yet.")]


def test_a_folder_that_is_no_repository_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(RepositoryGone):
        GitRepository(tmp_path).branches()
