"""A file is found by a few letters of its path."""

from __future__ import annotations

from selfservice.files.search import find

PATHS = [
    "site.yml",
    "roles/web/tasks/main.yml",
    "roles/web/templates/site.conf.j2",
    "docs/website.md",
    "group_vars/web.yml",
]


def test_the_file_itself_comes_first() -> None:
    assert find(PATHS, "site.yml")[0] == "site.yml"
    assert find(PATHS, "site") == ["site.yml", "roles/web/templates/site.conf.j2", "docs/website.md"]


def test_all_words_must_fit_in_any_order() -> None:
    assert find(PATHS, "main web")[0] == "roles/web/tasks/main.yml"


def test_letters_that_follow_each_other_are_enough() -> None:
    assert find(PATHS, "rwtama")[0] == "roles/web/tasks/main.yml"
    assert find(PATHS, "xyz") == []


def test_without_a_word_the_first_are_shown() -> None:
    assert find(PATHS, " ", most=2) == ["docs/website.md", "group_vars/web.yml"]


def test_letters_that_mean_something_to_patterns_are_letters() -> None:
    assert find([*PATHS, "a(b)[c].txt"], "(b)[") == ["a(b)[c].txt"]
