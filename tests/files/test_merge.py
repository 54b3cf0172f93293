"""Three sides of a file, and whether it is what its name says."""

from __future__ import annotations

import pytest

from selfservice.files.merge import has_markers, three_way
from selfservice.files.syntax import check


def test_changes_in_different_places_come_together() -> None:
    base = b"1\n2\n3\n4\n5\n"
    assert three_way(base, base.replace(b"5", b"five"), base.replace(b"1", b"one")).content == b"one\n2\n3\n4\nfive\n"


def test_contradictions_are_counted_and_show_all_three_sides() -> None:
    merged = three_way(b"a\n", b"theirs\n", b"mine\n")
    assert merged.conflicts == 1
    assert all(side in merged.content for side in (b"mine\n", b"theirs\n", b"|||||||", b"a\n"))
    assert has_markers(merged.content)


@pytest.mark.parametrize("same", [b"x\n", b"", b"\0\1"])
def test_the_same_change_on_both_sides_is_no_contradiction(same: bytes) -> None:
    assert three_way(b"before\n", same, same).content == same


def test_line_ends_and_a_missing_last_one_are_kept() -> None:
    base = b"1\r\n2\r\n3\r\n4"
    merged = three_way(base, base.replace(b"1", b"one"), base.replace(b"4", b"four"))
    assert merged.content == b"one\r\n2\r\n3\r\nfour"


def test_what_is_no_text_is_not_mixed() -> None:
    merged = three_way(b"\0a", b"\0b", b"\0c")
    assert (merged.content, merged.conflicts) == (b"\0c", None)


def test_a_heading_in_a_text_is_no_mark() -> None:
    assert not has_markers(b"Title\n=======\n>>>> quoted\n")


@pytest.mark.parametrize(
    ("path", "content", "place"),
    [
        ("a.yml", b"a: [1, 2\nb: 3\n", (2, 2)),
        ("a.yaml", b"a:\n\t- b\n", (2, 1)),
        ("a.yml", b"a: \x01\n", (1, 4)),
        ("a.json", b'{"a": 1,}\n', (1, 9)),
        ("a.py", b"def f(:\n", (1, 7)),
        ("motd.j2", b"one\n{% if %}\n", (2, 1)),
    ],
)
def test_a_mistake_is_told_with_line_and_column(path: str, content: bytes, place: tuple[int, int]) -> None:
    found = check(path, content)
    assert found is not None
    assert (found.line, found.column) == place


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("a.yml", b"secret: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n"),
        ("a.yml", b"---\na: 1\n---\nb: 2\n"),
        ("a.yml", b""),
        ("a.json", b'{"a": 1}'),
        ("a.txt", b"{ not: [checked"),
        ("a.yml", b"\0binary"),
    ],
)
def test_what_is_right_or_unknown_has_no_mistake(path: str, content: bytes) -> None:
    assert check(path, content) is None
