"""Starts the processes of a node and brings back those that end."""

from __future__ import annotations

import select
import signal
import time
from types import FrameType

from selfservice.node.watched import Watched
from selfservice.settings import NodeType, Settings

_TURN_SECONDS = 0.2
_STOP_SECONDS = 10
#: Who waits for a page has the processors first; nothing that was accepted depends on this.
_WORKER_SECONDS_LATER = 1.0


class Supervisor:
    """Watches web, executor and worker on a master, the worker alone on a worker."""

    def __init__(self, settings: Settings) -> None:
        """Name the processes; nothing is started."""
        self._watched = [Watched("worker", settings, listens_as="worker")]
        if settings.node_type is NodeType.MASTER:
            self._watched = [
                Watched("web", settings, listens_as="web"),
                Watched("executor", settings),
                Watched("worker", settings, listens_as="worker", after=_WORKER_SECONDS_LATER),
            ]
        self._stopping = False

    def serve(self) -> None:
        """Start everything, bring back what ends, until TERM or Ctrl+C; runs go on beyond that."""
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        while not self._stopping:
            for each in self._watched:
                each.look_after()
            # Nobody who calls a process that rests waits for the next turn.
            select.select([listener for each in self._watched for listener in each.awaited()], [], [], _TURN_SECONDS)
        self._end_all()

    def _end_all(self) -> None:
        for each in self._watched:
            each.tell_to_end()
        deadline = time.monotonic() + _STOP_SECONDS
        for each in self._watched:
            each.end(max(0.1, deadline - time.monotonic()))

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True
