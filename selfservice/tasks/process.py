"""One process for each task, with an end in time: a bad task cannot hurt the API."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import Any

from selfservice.tasks import child
from selfservice.tasks.task_type import TaskType

#: Forked from a small process that has loaded the types already and has no threads.
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["__main__", "selfservice.tasks.preload"])
_EXIT_SECONDS = 2


@dataclass(frozen=True)
class Ended:
    """How a task's process ended: with a result, or with a sentence about its failure."""

    result: Any = None
    failure: str = ""
    timed_out: bool = False


class TaskProcess:
    """A task under way."""

    def __init__(self, task_type: TaskType, params: dict[str, Any]) -> None:
        """Start it. Raises OSError where no process can be had."""
        self._type = task_type
        self._answer, sending = _CONTEXT.Pipe(duplex=False)
        self._process = _CONTEXT.Process(target=child.work, args=(task_type.name, params, sending), daemon=True)
        self._process.start()
        sending.close()

    def end_of(self) -> Ended:
        """Wait for its end, at most as long as its type allows."""
        deadline = time.monotonic() + self._type.seconds
        try:
            wait([self._answer], timeout=max(0.0, deadline - time.monotonic()))
            if not self._answer.poll():
                return Ended(failure=f"It was not done after {self._type.seconds} s.", timed_out=True)
            message = json.loads(self._answer.recv_bytes())
        except (EOFError, OSError):  # it sends nothing more: it has died
            return Ended(failure=self._how_it_died())
        finally:
            self.kill()
            self._answer.close()
        return Ended(message.get("result"), message.get("failure", ""))

    def kill(self) -> None:
        """End it and all it started, now."""
        pid = self._process.pid
        if pid is not None:
            try:
                os.killpg(pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                self._process.kill()
        self._process.join(_EXIT_SECONDS)

    def _how_it_died(self) -> str:
        self._process.join(_EXIT_SECONDS)
        code = self._process.exitcode
        if code == -signal.SIGXCPU:
            return f"It used more than {self._type.seconds} s of processor time."
        if code is not None and code < 0:
            return f"Its process was ended by the signal {signal.Signals(-code).name}."
        return f"Its process ended without a result (exit code {code})."
