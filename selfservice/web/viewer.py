"""Whoever follows a live stream, and whether they would see the same if they came in now."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from selfservice.scope import Sight
from selfservice.web.access import current_person
from selfservice.web.services import current_sight, services

Message = TypeVar("Message")

#: How often it is looked at.
LOOK_SECONDS = 10


@dataclass(frozen=True)
class Viewer:
    """Whoever follows a stream."""

    name: str
    sight: Sight
    #: Whether they would come in now, and see the same.
    unchanged: Callable[[], bool]

    def follow(self, messages: Iterator[Message]) -> Iterator[Message]:
        """These messages, until what may be seen has changed."""
        looked_at = time.monotonic()
        for message in messages:
            if time.monotonic() - looked_at > LOOK_SECONDS:
                looked_at = time.monotonic()
                if not self.unchanged():
                    return
            yield message


def current_viewer() -> Viewer:
    """Whoever this request acts for."""
    person, sight = current_person(), current_sight()
    accounts, sights = services().accounts, services().sights

    def unchanged() -> bool:
        return accounts.unchanged(person) and sights.of(person).key == sight.key

    return Viewer(person.name, sight, unchanged)
