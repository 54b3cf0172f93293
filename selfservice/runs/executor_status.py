"""Whether the executor of this node is alive: it says so in a file, at every turn of its loop."""

from __future__ import annotations

import os
import time

from selfservice.runs import processes
from selfservice.settings import Settings
from selfservice.store import files

_FILE = "executor.json"
#: The loop turns at least once a second; so long without a turn and it hangs.
_LONGEST_TURN_SECONDS = 10


def announce(settings: Settings) -> None:
    """Say that this process is the executor."""
    pid = os.getpid()
    value = {"pid": pid, "pid_started": processes.started(pid), "boot": processes.boot_id()}
    files.write_json(settings.instance / _FILE, value)


def turned(settings: Settings) -> None:
    """Say that the loop has turned once more."""
    os.utime(settings.instance / _FILE)


def executor_alive(settings: Settings) -> bool:
    """Whether an executor process is there and its loop is turning."""
    path = settings.instance / _FILE
    try:
        value = files.read_json(path)
        age = time.time() - path.stat().st_mtime
    except (FileNotFoundError, ValueError):
        return False
    alive = processes.is_alive(value.get("pid"), value.get("pid_started"), value.get("boot"))
    return alive and age < _LONGEST_TURN_SECONDS
