"""One process of a node, as its supervisor sees it: started, brought back, left alone while it has nothing to do."""

from __future__ import annotations

import ctypes
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import time
from functools import partial

from selfservice import Role
from selfservice.node.listening import listen
from selfservice.settings import CHECKOUT, SettingError, Settings

log = logging.getLogger(__name__)

#: Exit code of a process that refuses to start: starting it again would change nothing.
REFUSED = 2
#: Exit code of one that had nothing to do for a while: the next call starts it.
RESTS = 75  # EX_TEMPFAIL of sysexits.h, which nothing else here ends with

_LONGEST_PAUSE_SECONDS = 30
#: Callers wait while a process is started again; where that takes longer they are refused.
_CALLERS_WAIT_SECONDS = 5
_PR_SET_PDEATHSIG = 1  # prctl(2)


class Watched:
    """The process of `run.py <name>`."""

    def __init__(self, name: str, settings: Settings, *, listens_as: Role | None = None, after: float = 0) -> None:
        """Nothing is started, and nothing before so many seconds."""
        self._name = name
        self._settings = settings
        self._role = listens_as
        self._listener: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._rests = False
        self._failures = 0
        self._started_at = 0.0
        self._not_before = time.monotonic() + after

    def look_after(self) -> None:
        """Start it where it is wanted and does not live."""
        if self._process is not None:
            code = self._process.poll()
            if code is None:
                return
            self._process = None
            self._rests = code == RESTS
            if not self._rests:
                self._plan_restart(f"ended with code {code}", refused=code == REFUSED)
        if self._rests and self._is_called():
            self._rests = False
        if not self._rests and time.monotonic() >= self._not_before:
            self._start()

    def awaited(self) -> list[socket.socket]:
        """What tells that somebody calls it while it rests."""
        return [self._listener] if self._rests and self._listener else []

    def tell_to_end(self) -> None:
        """Ask it to end."""
        if self._process is not None:
            self._process.terminate()

    def end(self, seconds: float) -> None:
        """Wait for its end, and bring it about where it takes longer; nobody waits for another one."""
        self._refuse_callers()
        if self._process is None:
            return
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _is_called(self) -> bool:
        return bool(select.select(self.awaited(), [], [], 0)[0])

    def _plan_restart(self, why: str, *, refused: bool = False) -> None:
        lived = time.monotonic() - self._started_at
        self._failures = 1 if lived > _LONGEST_PAUSE_SECONDS else self._failures + 1
        pause = _LONGEST_PAUSE_SECONDS if refused else min(0.25 * 2**self._failures, _LONGEST_PAUSE_SECONDS)
        self._not_before = time.monotonic() + pause
        if pause > _CALLERS_WAIT_SECONDS:
            self._refuse_callers()
        log.warning("%s %s and is started again in %.1f s", self._name, why, pause)

    def _refuse_callers(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _start(self) -> None:
        self._started_at = time.monotonic()
        try:
            if self._role is not None and self._listener is None:
                self._listener = listen(self._settings, self._role)
        except SettingError as error:
            log.error("%s", error.sentence)
            self._plan_restart("cannot listen")
            return
        descriptors = [self._listener.fileno()] if self._listener else []
        self._process = subprocess.Popen(
            [sys.executable, str(CHECKOUT / "run.py"), self._name, *(f"--listener={each}" for each in descriptors)],
            cwd=CHECKOUT,
            stdin=subprocess.DEVNULL,
            pass_fds=descriptors,
            preexec_fn=partial(end_with, os.getpid()),
        )


def end_with(parent: int) -> None:
    """In a child of `parent`: be told to end when that one dies, however it dies; not by its Ctrl+C."""
    os.setpgid(0, 0)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it has died already, and the kernel will not tell
        os._exit(1)
