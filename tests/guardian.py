"""Ends what tests started however they end: at ctrl-C, at SIGTERM, and where pytest itself is killed.

Tests start masters, executors, sshd, slapd and PostgreSQL, and those start runs in sessions of their own, which outlive
their parents by design. So pytest runs below a process that waits for it and, as a "subreaper" (prctl(2)), has every
orphan below it: when pytest is gone, so is all that is left there.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time

import psutil
import pytest

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36  # prctl(2)
#: Seconds that processes have to end in good order.
_GRACE = 5.0


def pytest_configure(config: pytest.Config) -> None:
    """Guard the tests of this process, and of those that pytest-xdist starts below it."""
    if not hasattr(config, "workerinput"):
        guard()


def guard() -> None:
    """Go on in a child of this process, which ends all that comes from it."""
    if sys.platform.startswith("linux"):
        _go_on_below_a_guardian(signal.SIGTERM)  # this one is there for when the other one is killed
        _go_on_below_a_guardian(signal.SIGINT)


def _go_on_below_a_guardian(to_end: signal.Signals) -> None:
    """Go on in a child; this process waits for it, ends what it left, and exits as it did.

    The child is sent `to_end` where this process is told to end, or is killed.
    """
    library = ctypes.CDLL(None)
    child = os.fork()
    if child == 0:
        library.prctl(_PR_SET_PDEATHSIG, to_end)
        signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored by what a shell starts in the background
        return
    library.prctl(_PR_SET_CHILD_SUBREAPER, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to the child as well
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: os.kill(child, to_end))
    status = 1
    try:
        status = _wait_for(child)
        _end_all_below(psutil.Process())
    finally:
        os._exit(status)  # what comes after is for the child alone


def _end_all_below(process: psutil.Process) -> None:
    """End everything that comes from `process`."""
    deadline = time.monotonic() + _GRACE
    asked: set[int] = set()
    while below := _alive_below(process):
        for each in below:
            try:
                if time.monotonic() > deadline:
                    each.kill()
                elif each.pid not in asked:
                    each.terminate()
                    asked.add(each.pid)
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(below, timeout=0.1)


def _alive_below(process: psutil.Process) -> list[psutil.Process]:
    return [each for each in process.children(recursive=True) if _is_alive(each)]


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _wait_for(child: int) -> int:
    """The exit code of `child`; every orphan that ends before it is reaped."""
    while True:
        pid, status = os.wait()
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code
