"""Results on their way to the master: files, sent again and again until it has them."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from selfservice.errors import ApplicationError, Unavailable
from selfservice.store import files

log = logging.getLogger(__name__)

_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 60.0


class Delivery(StrEnum):
    """What came of one attempt."""

    ACCEPTED = "accepted"
    #: The master does not want it, and never will.
    REFUSED = "refused"
    #: Not now: it is tried again.
    LATER = "later"


#: Tries to hand over one result: its body. Says what came of it, and why.
Send = Callable[[dict[str, Any]], tuple[Delivery, str]]
#: Told which task's result has left, and how.
Left = Callable[[str, Delivery, str], None]


@dataclass
class _Pause:
    attempts: int = 0
    not_before: float = 0.0


class Outbox:
    """The results in one folder, one file each."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """Take over what is there."""
        self._folder = folder
        self._clock = clock
        self._pauses: dict[str, _Pause] = {}
        self._sending = threading.Lock()
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise Unavailable(f"The folder {folder} cannot be made: {error.strerror}.") from error
        files.remove_unfinished(folder)

    def put(self, task_id: str, body: dict[str, Any]) -> None:
        """Keep a result until the master has it; durable when this returns. A full disk is logged, and made up later.

        What cannot be written now is put again at the next start: the task's own file says that it was not reported.
        """
        try:
            files.write_json(self._folder / f"{task_id}.json", body)
        except OSError as error:
            log.error("The result of task %s waits for a restart: it cannot be written: %s", task_id, error)

    def waiting(self) -> int:
        """How many results the master does not have yet."""
        return sum(1 for _ in self._folder.glob("*.json"))

    def send_due(self, send: Send, left: Left) -> None:
        """Try all whose pause is over, the oldest first; one that must wait holds back the others."""
        with self._sending:
            for path in sorted(self._folder.glob("*.json")):
                pause = self._pauses.setdefault(path.stem, _Pause())
                if self._clock() < pause.not_before:
                    continue
                if not self._try(path, send, left):
                    self._postpone(pause)
                    return

    def _try(self, path: Path, send: Send, left: Left) -> bool:
        """Whether it has left."""
        try:
            body = files.read_json(path)
        except (OSError, ValueError) as error:
            log.error("%s is no result and is set aside: %s", path, error)
            path.rename(path.with_suffix(".unreadable"))
            return True
        delivery, why = send(body)
        if delivery is Delivery.LATER:
            log.warning("The result of task %s is sent again later: %s", path.stem, why)
            return False
        try:
            left(path.stem, delivery, why)
        except ApplicationError as error:
            log.error("That the result of task %s has left cannot be noted: %s", path.stem, error.sentence)
            return False
        path.unlink(missing_ok=True)
        self._pauses.pop(path.stem, None)
        return True

    def _postpone(self, pause: _Pause) -> None:
        seconds = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2**pause.attempts)
        pause.attempts += 1
        # Not all workers at the same moment, when a master is back.
        pause.not_before = self._clock() + seconds * random.uniform(0.5, 1.0)  # noqa: S311
