"""The history on Home says what was done in words."""

from __future__ import annotations

from selfservice.audit.actions import Kind
from selfservice.home.deeds import DEEDS


def test_every_kind_of_action_has_words() -> None:
    assert set(DEEDS) == set(Kind)
