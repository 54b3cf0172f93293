"""Whom an event is told: those who ask for it, whom it concerns, and who may know of it."""

from __future__ import annotations

from typing import Any

import pytest

from selfservice.notifications.events import EventKind
from tests.notifications.conftest import Telling
from tests.records import database_url  # noqa: F401  # on both databases


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ({"kind": EventKind.RUN_FAILED, "people": ("alice",)}, {"alice", "bob-all"}),
        ({"kind": EventKind.RUN_FAILED, "people": ("bob",)}, {"bob", "bob-all"}),
        ({"kind": EventKind.APPROVAL_WAITING, "people": ("alice",), "private": True}, {"alice"}),
        ({"kind": EventKind.NODE_DOWN}, {"alice", "bob", "bob-all", "sally"}),
    ],
)
def test_who_is_told(telling: Telling, named: dict[str, Any], told: set[str]) -> None:
    names = {}
    for title, person, only_mine in (
        ("alice", "alice", True), ("bob", "bob", True), ("bob-all", "bob", False), ("sally", "sally", False)
    ):  # fmt: skip
        names[telling.target("json://127.0.0.1:1/", person=person, only_mine=only_mine)] = title
    telling.tell("Something.", **named)
    telling.outbox._spread()
    found = [each for person in ("alice", "bob", "sally") for each in telling.deliveries(person)]
    assert {names[each.target_id] for each in found} == told
