"""How an ansible-playbook process ends: with which exit code, or by which signal."""

from __future__ import annotations

import atexit
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, NoReturn


class ProcessEnd:
    """Tells of the end of this process and changes nothing about it."""

    def __init__(self, on_signal: Callable[[signal.Signals], None], on_exit: Callable[[int | None], None]) -> None:
        """Watch; to be called in the main thread, after Ansible has set up its own signal handlers."""
        self._on_signal = on_signal
        self._pid = os.getpid()
        self._code: int | None = None
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            self._watch(number)
        self._watch_exit_code()
        atexit.register(lambda: on_exit(self._code))

    def _watch(self, number: signal.Signals) -> None:
        before = signal.getsignal(number)
        if before is signal.SIG_IGN:  # as nohup does with SIGHUP
            return

        def handle(_number: int, frame: FrameType | None) -> None:
            if os.getpid() == self._pid:  # not in Ansible's workers, which are forks of this process
                self._on_signal(number)
            if callable(before):
                before(number, frame)
            else:
                signal.signal(number, signal.SIG_DFL)
                os.kill(os.getpid(), number)

        signal.signal(number, handle)

    def _watch_exit_code(self) -> None:
        """Ansible ends with sys.exit(code), and nothing that runs at exit is told the code."""
        leave = sys.exit

        def leave_with(code: Any = None) -> NoReturn:
            self._code = int(code) if isinstance(code, int) else int(code is not None)
            leave(code)

        sys.exit = leave_with
