"""Which role the groups of a provider give."""

from __future__ import annotations

import pytest

from selfservice.accounts.group_roles import with_role
from selfservice.errors import BadInput, ChangedMeanwhile

PAIRS = (("admins", "administrator"), ("night", "viewer"))


def test_a_new_group_comes_last() -> None:
    assert with_role(PAIRS, " ops ", "technical-agent", "", "Google") == (*PAIRS, ("ops", "technical-agent"))


def test_a_changed_one_keeps_its_place() -> None:
    assert with_role(PAIRS, "admins", "viewer", "administrator", "Google") == (("admins", "viewer"), PAIRS[1])


def test_an_empty_role_removes_it() -> None:
    assert with_role(PAIRS, "admins", "", "administrator", "Google") == (PAIRS[1],)


def test_a_second_pair_of_the_same_group_goes_with_the_first_change() -> None:
    twice = (*PAIRS, ("night", "administrator"))
    assert with_role(twice, "night", "sales-agent", "viewer", "Google") == (PAIRS[0], ("night", "sales-agent"))


def test_a_group_that_gives_a_role_already_is_told() -> None:
    with pytest.raises(BadInput, match="night gives the role viewer already"):
        with_role(PAIRS, "night", "administrator", "", "Google")


@pytest.mark.parametrize("seen", ["administrator", "sales-agent"])
def test_what_somebody_else_changed_meanwhile_is_told(seen: str) -> None:
    with pytest.raises(ChangedMeanwhile, match=f"now viewer, and was {seen}"):
        with_role(PAIRS, "night", "technical-agent", seen, "Google")


@pytest.mark.parametrize("group", ["", "  ", "a\nb", "x" * 201])
def test_a_group_has_a_name(group: str) -> None:
    with pytest.raises(BadInput):
        with_role(PAIRS, group, "viewer", "", "Google")
