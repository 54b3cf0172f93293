"""Starts the processes of a node and brings back those that end."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import partial
from types import FrameType

from selfservice.settings import CHECKOUT, NodeType, Settings

log = logging.getLogger(__name__)

_TURN_SECONDS = 0.2
_STOP_SECONDS = 10
#: Who waits for a page has the processors first; nothing that was accepted depends on this.
_AFTER_SECONDS = {"worker": 1.0}
_LONGEST_PAUSE_SECONDS = 30
_PR_SET_PDEATHSIG = 1  # prctl(2)
#: Exit code of a process that refuses to start: starting it again would change nothing.
_REFUSED = 2


@dataclass
class _Watched:
    """One process of this node, and when it may be started again."""

    name: str
    process: subprocess.Popen[bytes] | None = None
    failures: int = 0
    started_at: float = 0.0
    not_before: float = 0.0


class Supervisor:
    """Watches web, executor and worker on a master, the worker alone on a worker."""

    def __init__(self, settings: Settings) -> None:
        """Name the processes; nothing is started."""
        names = ("web", "executor", "worker") if settings.node_type is NodeType.MASTER else ("worker",)
        began = time.monotonic()
        self._watched = [_Watched(name, not_before=began + _AFTER_SECONDS.get(name, 0)) for name in names]
        self._stopping = False

    def serve(self) -> None:
        """Start everything, bring back what ends, until TERM or Ctrl+C; runs go on beyond that."""
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        while not self._stopping:
            for each in self._watched:
                self._look_after(each)
            time.sleep(_TURN_SECONDS)
        self._end_all()

    def _look_after(self, each: _Watched) -> None:
        if each.process is not None:
            code = each.process.poll()
            if code is None:
                return
            self._plan_restart(each, code)
        if time.monotonic() >= each.not_before:
            self._start(each)

    def _plan_restart(self, each: _Watched, code: int) -> None:
        lived = time.monotonic() - each.started_at
        each.failures = 1 if lived > _LONGEST_PAUSE_SECONDS else each.failures + 1
        pause = min(0.25 * 2**each.failures, _LONGEST_PAUSE_SECONDS)
        if code == _REFUSED:
            pause = _LONGEST_PAUSE_SECONDS
        each.not_before = time.monotonic() + pause
        each.process = None
        log.warning("%s ended with code %d and is started again in %.1f s", each.name, code, pause)

    def _start(self, each: _Watched) -> None:
        each.started_at = time.monotonic()
        each.process = subprocess.Popen(
            [sys.executable, str(CHECKOUT / "run.py"), each.name],
            cwd=CHECKOUT,
            stdin=subprocess.DEVNULL,
            preexec_fn=partial(end_with, os.getpid()),
        )

    def _end_all(self) -> None:
        living = [each.process for each in self._watched if each.process and each.process.poll() is None]
        for process in living:
            process.terminate()
        deadline = time.monotonic() + _STOP_SECONDS
        for process in living:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True


def end_with(parent: int) -> None:
    """In a child of `parent`: be told to end when that one dies, however it dies; not by its Ctrl+C."""
    os.setpgid(0, 0)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it has died already, and the kernel will not tell
        os._exit(1)
