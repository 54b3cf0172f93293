"""What a worker does by the clock: heartbeats, and results on their way to the master."""

from __future__ import annotations

import logging
from typing import Any

from selfservice.audit.actions import SYSTEM, Action, Kind, Outcome
from selfservice.clockwork import Clockwork
from selfservice.errors import ApplicationError
from selfservice.health.beating import Beating
from selfservice.nodes.master import MasterRefused
from selfservice.settings import NodeType
from selfservice.tasks.outbox import Delivery
from selfservice.worker.services import WorkerServices

log = logging.getLogger(__name__)

#: Answers of the master after which sending the same again would change nothing.
_NEVER = frozenset({400, 404, 409, 410, 413, 422})
_OUTBOX_SECONDS = 1


class Background:
    """The clockwork of one worker."""

    def __init__(self, own: WorkerServices) -> None:
        """Nothing is started."""
        self._own = own
        self._beating = Beating(own.master, self._told, own.accepted.replace)

    def start(self) -> Clockwork:
        """Start sending, and beating; a master's heartbeats come from its executor, which is always there."""
        clock = Clockwork()
        clock.every(_OUTBOX_SECONDS, self.send_results)
        if self._own.settings.node_type is NodeType.WORKER:
            self._beating.go_by(clock, self._own.settings.heartbeat_seconds)
        clock.start()
        return clock

    def send_results(self) -> None:
        """Try to hand over what is due."""
        self._own.outbox.send_due(self._give, self._left)

    def _told(self) -> dict[str, Any]:
        own = self._own
        return {
            "running_tasks": own.tasks.running(),
            "outbox": own.outbox.waiting(),
            "accepts": list(own.accepted.hashes),
        }

    def _give(self, body: dict[str, Any]) -> tuple[Delivery, str]:
        try:
            self._own.master.give_result(body)
        except MasterRefused as error:
            return (Delivery.REFUSED if error.answered in _NEVER else Delivery.LATER), error.sentence
        except ApplicationError as error:
            return Delivery.LATER, error.sentence
        return Delivery.ACCEPTED, ""

    def _left(self, task_id: str, delivery: Delivery, why: str) -> None:
        if delivery is Delivery.REFUSED:
            log.warning("The master does not want the result of task %s: %s", task_id, why)
            detail = {"task": task_id, "why": why[:200]}
            self._own.journal.append(
                Action(Kind.RESULT_REFUSED, SYSTEM, f"task {task_id}", outcome=Outcome.REFUSED, detail=detail)
            )
        self._own.tasks.reported(task_id)
