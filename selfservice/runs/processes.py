"""The processes of a run: telling one from a later one of the same number, and ending them all."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

#: Everything that a run starts carries its id here, whatever session or group it puts itself into:
#: since ansible-core 2.19 each worker of a run has a session of its own.
RUN_ID_VARIABLE = "SELFSERVICE_RUN_ID"

_PROC = Path("/proc")
_POLL_SECONDS = 0.02


def boot_id() -> str:
    """The kernel's name for this boot; pids and start times mean nothing in another one."""
    return (_PROC / "sys/kernel/random/boot_id").read_text().strip()


def started(pid: int) -> int | None:
    """When the process `pid` started, in clock ticks since boot; None where there is none alive.

    Field 22 of /proc/<pid>/stat (proc(5)); unlike a wall-clock time it survives clock changes.
    """
    try:
        text = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    after_name = text.rpartition(")")[2].split()
    return None if after_name[0] in "ZX" else int(after_name[19])


def is_alive(pid: int | None, start: int | None, boot: str | None) -> bool:
    """Whether the very process that was recorded so is still there."""
    if pid is None or start is None or boot != boot_id():
        return False
    return started(pid) == start


def rename(title: str, run_id: str) -> bool:
    """Give this process, a fork, a title of its own and the mark of `run_id`; False where it cannot be done.

    /proc shows both from the memory in which they lay when the program was started (proc(5), arg_start and
    env_start of /proc/<pid>/stat): nothing else changes what others see. The mark needs a place: an id of the same
    length in the environment that the program was started with.
    """
    try:
        after_name = (_PROC / "self/stat").read_text().rpartition(")")[2].split()
        arguments, environment = [int(each) for each in after_name[45:47]], [int(each) for each in after_name[47:49]]
        with (_PROC / "self/mem").open("r+b", buffering=0) as memory:
            memory.seek(environment[0])
            place = memory.read(environment[1] - environment[0]).find(f"{RUN_ID_VARIABLE}=".encode())
            if place < 0:
                return False
            memory.seek(environment[0] + place + len(RUN_ID_VARIABLE) + 1)
            memory.write(run_id.encode())
            memory.seek(arguments[0])
            room = arguments[1] - arguments[0]
            memory.write(title.encode()[: room - 1].ljust(room, b"\0"))
    except OSError:
        return False
    return True


def of_run(run_id: str) -> list[int]:
    """The processes that the run `run_id` started, its own driving process left out.

    SSH's shared connections are left out too: other runs may be using them, and they end by themselves.
    """
    mark = f"{RUN_ID_VARIABLE}={run_id}".encode()
    return [pid for pid in _all_pids() if pid != os.getpid() and _carries(pid, mark)]


def end_run(run_id: str, grace_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
    """End everything that the run started: TERM, then, after `grace_seconds`, KILL until nothing is left."""
    deadline = clock() + grace_seconds
    told: set[int] = set()
    while pids := of_run(run_id):
        late = clock() >= deadline
        for pid in pids:
            if late or pid not in told:
                signal_if_there(pid, signal.SIGKILL if late else signal.SIGTERM)
                told.add(pid)
        time.sleep(_POLL_SECONDS)


def signal_if_there(pid: int, number: signal.Signals) -> None:
    """Send a signal; a process that is gone, or that another user owns, is no error here."""
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return


def _all_pids() -> list[int]:
    return [int(path.name) for path in _PROC.iterdir() if path.name.isdigit()]


def _carries(pid: int, mark: bytes) -> bool:
    folder = _PROC / str(pid)
    try:
        if mark not in (folder / "environ").read_bytes().split(b"\0"):
            return False
        return started(pid) is not None and not _is_shared_ssh(folder)
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False


def _is_shared_ssh(folder: Path) -> bool:
    title = (folder / "cmdline").read_bytes().rstrip(b"\0")
    return title.startswith(b"ssh: ") and title.endswith(b"[mux]")
