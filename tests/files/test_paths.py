"""Which paths and branch names are refused, and what people are told."""

from __future__ import annotations

import pytest

from selfservice.errors import BadInput
from selfservice.files.errors import PathRefused
from selfservice.files.paths import checked, checked_branch, refuse_twin


@pytest.mark.parametrize(
    "path", ["site.yml", "group_vars/all/main.yml", "Ünïcode/é.yml", "a b.txt", "..a", ".gitignore", "x" * 255]
)
def test_ordinary_paths_are_taken(path: str) -> None:
    assert checked(path) == path


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("", "Name a file"),
        ("../secret", "lead out"),
        ("a/../../secret", "lead out"),
        ("/etc/passwd", "leading slash"),
        ("a\\b", "backslash"),
        ("a\0b", "nobody sees"),
        ("a\nb", "nobody sees"),
        ("safe\u202egnp.sh", "nobody sees"),
        ("a//b", "empty part"),
        ("a/", "empty part"),
        ("./a", "no empty part"),
        (".git/config", "belongs to git"),
        ("sub/.GIT/hooks/post-update", "belongs to git"),
        ("git~1/config", "belongs to git"),
        (".git /config", "belongs to git"),
        ("x" * 256, "at most 255"),
        ("x" * 300, "has 300"),
        ("é" * 200, "255 bytes"),
        ("\udcff", "UTF-8"),
    ],
)
def test_dangerous_paths_are_refused_with_the_reason(path: str, reason: str) -> None:
    with pytest.raises(PathRefused, match=reason):
        checked(path)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("site.yml", "there already"),
        ("SITE.yml", "capitals"),
        ("cafe\u0301.yml", "encoded"),
        ("roles", "folder already"),
        ("site.yml/more", "is a file"),
    ],
)
def test_a_new_path_that_nobody_could_tell_from_another_is_refused(path: str, reason: str) -> None:
    with pytest.raises(PathRefused, match=reason):
        refuse_twin(path, ["site.yml", "caf\u00e9.yml", "roles/web/tasks.yml"])


@pytest.mark.parametrize("name", ["main", "feature/a/b", "selfservice/alice/site.yml-3f9a", "ünï", "a@b"])
def test_branch_names_with_slashes_are_taken(name: str) -> None:
    assert checked_branch(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "a b", "-x", "a..b", "a~1", "a^", "a:b", "a\\b", "@", "a@{1}", ".a", "a/.b", "a.lock", "a.", "/a", "a/"],
)
def test_what_git_does_not_take_as_a_branch_is_refused(name: str) -> None:
    with pytest.raises(BadInput):
        checked_branch(name)
