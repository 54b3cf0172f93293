"""The executor's end of the fork server: has it started, and asks it for processes of runs."""

from __future__ import annotations

import logging
import select
import socket
import subprocess
import sys
import time
from collections.abc import Mapping

from selfservice.runs.processes import RUN_ID_VARIABLE
from selfservice.settings import CHECKOUT

log = logging.getLogger(__name__)

READY = b"ready"
LONGEST_MESSAGE = 64
#: Of the length of every run's id: a fork puts its own in its place.
PLACEHOLDER = "00000000T000000-000000"
_ANSWER_SECONDS = 5
_LOADING_SECONDS = 60
_AGAIN_SECONDS = 60
_FIRST_SECONDS = 2


class ForkServer:
    """A process with Ansible loaded, started when it is first wanted, and again where it has ended."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Say with which environment it starts; nothing is started yet."""
        self._environment = {**environment, "PYTHONUTF8": "1", RUN_ID_VARIABLE: PLACEHOLDER}
        self._connection: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = False
        #: Not before this time: the dashboard that starts beside it has the processors first.
        self._start_at = time.monotonic() + _FIRST_SECONDS
        self._started_at = 0.0

    def see_to(self, *, wanted: bool, busy: bool) -> None:
        """Have one while it is wanted; else give its memory back once nothing is under way. Returns at once."""
        if wanted:
            self._ensure()
        elif not busy and self._process is not None:
            log.info("nobody has been there for a while: the fork server ends")
            self.stop()
            self._start_at = time.monotonic()

    def _ensure(self) -> None:
        """Have one started where there is none; not more than once a minute where it keeps ending."""
        self._look()
        if self._connection is None and time.monotonic() >= self._start_at:
            self._start()

    def fork(self, run_id: str, stdin: int) -> tuple[int, int] | None:
        """A process for the run, as its pid and pidfd; None where none can be had here, or not yet.

        `stdin` is a descriptor, or DEVNULL.
        """
        self._look()
        if self._connection is None or not self._ready:
            return None
        try:
            socket.send_fds(self._connection, [run_id.encode()], [] if stdin == subprocess.DEVNULL else [stdin])
            answer, descriptors, _, _ = socket.recv_fds(self._connection, LONGEST_MESSAGE, 1)
        except OSError as error:
            log.warning("the fork server does not answer: %s", error)
            self.stop()
            return None
        if not answer or not descriptors:  # it has ended: ansible.cfg has changed
            self.stop()
            self._start()
            return None
        return int(answer), descriptors[0]

    def stop(self) -> None:
        """End it; what was forked from it goes on."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        self._ready = False

    def _start(self) -> None:
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its:
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "selfservice.runs.fork_server", str(its.fileno())],
                    cwd=CHECKOUT,
                    env=self._environment,
                    stdin=subprocess.DEVNULL,
                    pass_fds=[its.fileno()],
                )
            except OSError as error:
                log.warning("no fork server: %s", error)
                ours.close()
                return
            finally:
                self._started_at = time.monotonic()
                self._start_at = self._started_at + _AGAIN_SECONDS
        ours.settimeout(_ANSWER_SECONDS)
        self._connection = ours

    def _look(self) -> None:
        """Learn whether it is ready, or gone."""
        if self._connection is None or self._process is None:
            return
        if not self._ready and select.select([self._connection], [], [], 0)[0]:
            self._ready = self._heard() == READY
            if self._ready:
                log.info("runs fork from process %d", self._process.pid)
        late = not self._ready and time.monotonic() - self._started_at > _LOADING_SECONDS
        if late or self._process.poll() is not None:
            log.warning("the fork server has ended; runs start by themselves")
            self.stop()

    def _heard(self) -> bytes:
        if self._connection is None:
            return b""
        try:
            return self._connection.recv(LONGEST_MESSAGE)
        except OSError:
            return b""
