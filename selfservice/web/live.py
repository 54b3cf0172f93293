"""What changes while pages are open, looked at once for all of them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection, Hashable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from selfservice.errors import ApplicationError
from selfservice.scope import Sight

log = logging.getLogger(__name__)

#: How often topics are looked at while anybody listens; news are on a page well within a second.
LOOK_SECONDS = 0.3


class Topic(Protocol):
    """Something that pages follow."""

    #: Whether the news are not the same for all who see the same.
    personal: bool

    def version(self) -> object:
        """Differs from the one before whenever there may be news; cheap."""

    def news(self, person: str, sight: Sight) -> dict[str, Any]:
        """What this person, who has this sight, should see now."""


class Board:
    """The latest version of each topic; one thread looks, and only while there are listeners."""

    def __init__(self, topics: Mapping[str, Topic]) -> None:
        """Watch these topics, by the name of their events."""
        self._topics = topics
        self._lock = threading.Lock()
        self._listeners = 0
        self._versions: dict[str, tuple[int, object]] = dict.fromkeys(topics, (0, None))
        #: The latest news of topics that are not personal, by the key of what is seen.
        self._told: dict[str, tuple[int, dict[Hashable, dict[str, Any]]]] = {}

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Keep looking while this lasts."""
        with self._lock:
            self._listeners += 1
            if self._listeners == 1:
                self._told.clear()  # nobody has looked for a while
                threading.Thread(target=self._watch, name="live", daemon=True).start()
        try:
            yield
        finally:
            with self._lock:
                self._listeners -= 1

    def news(
        self, person: str, sight: Sight, seen: dict[str, int], among: Collection[str]
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """Name and news of each topic `among` these that changed since `seen`, which is brought up to date."""
        for name in among:
            topic = self._topics[name]
            number, _ = self._versions[name]
            if seen.get(name) != number:
                seen[name] = number
                yield name, topic.news(person, sight) if topic.personal else self._shared(name, number, sight)

    def _shared(self, name: str, number: int, sight: Sight) -> dict[str, Any]:
        """The news of a version, worked out once for all who see the same."""
        with self._lock:
            told, shared = self._told.get(name, (None, {}))
            if told != number:
                shared = {}
                self._told[name] = (number, shared)
        if sight.key not in shared:
            shared[sight.key] = self._topics[name].news("", sight)
        return shared[sight.key]

    def _watch(self) -> None:
        while True:
            with self._lock:
                if not self._listeners:
                    return
            for name, topic in self._topics.items():
                self._look(name, topic)
            time.sleep(LOOK_SECONDS)

    def _look(self, name: str, topic: Topic) -> None:
        try:
            version = topic.version()
        except (ApplicationError, OSError) as error:
            log.warning("%s cannot be followed at the moment: %s", name, error)
            return
        number, known = self._versions[name]
        if version != known:
            self._versions[name] = (number + 1, version)
