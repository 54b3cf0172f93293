"""When the worker API of a master has nothing to do: it ends, until the next call starts it again."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

from apiflask import APIFlask

from selfservice.clockwork import Clockwork
from selfservice.worker.services import WorkerServices

_QUIET_SECONDS = 60
_LOOK_SECONDS = 5


class Rest:
    """Ends this process once nobody has called it for a minute, no task is under way and every result has left."""

    def __init__(self, own: WorkerServices, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin to count now."""
        self._own = own
        self._clock = clock
        self._called_at = clock()
        #: Whether that was why this process was told to end.
        self.taken = False

    def note_call(self) -> None:
        """Somebody calls."""
        self._called_at = self._clock()

    def is_due(self) -> bool:
        """Whether there is nothing to do."""
        quiet = self._clock() - self._called_at >= _QUIET_SECONDS
        return quiet and not self._own.tasks.running() and not self._own.outbox.waiting()

    def look(self) -> None:
        """End this process where there is nothing to do; a call that comes meanwhile is answered."""
        if self.is_due():
            self.taken = True
            os.kill(os.getpid(), signal.SIGTERM)

    def go_by(self, app: APIFlask, clock: Clockwork) -> None:
        """Look every few seconds, and note all calls of `app`."""
        app.before_request(self.note_call)
        clock.every(_LOOK_SECONDS, self.look)
