"""Nobody is told of what they do not see."""

from __future__ import annotations

from selfservice.notifications.events import Event, EventKind
from selfservice.scope import EVERYTHING, NOTHING, Scope
from tests.notifications.conftest import Receiver, Telling

ABOUT = Scope("zebra", ("zebra-1",), "zebra_feed")


def failed() -> Event:
    return Event(EventKind.RUN_FAILED, "A run failed.", "run:1", scope=ABOUT)


def test_a_person_without_access_is_not_told(telling: Telling, receiver: Receiver) -> None:
    asked: list[Scope] = []

    class Watching:
        everything, key = False, "watching"

        def level(self, scope: Scope) -> int:
            asked.append(scope)
            return NOTHING.level(scope)

    telling.sight_of = lambda _person: Watching()  # type: ignore[assignment,return-value]
    telling.target(receiver.url)
    telling.notices.tell(failed())
    telling.outbox.tick()
    assert asked == [ABOUT]
    assert receiver.got == []


def test_a_person_with_access_is_told(telling: Telling, receiver: Receiver) -> None:
    telling.sight_of = lambda _person: EVERYTHING
    telling.target(receiver.url)
    telling.notices.tell(failed())
    telling.outbox.tick()
    assert len(receiver.got) == 1
