"""Task types that tell how the machine is doing: memory, load, processes, services."""

from __future__ import annotations

import shutil
import subprocess
import time
from typing import Annotated, Any, Literal

import psutil
from pydantic import Field, StringConstraints

from selfservice.tasks.task_type import task_type

_SAMPLE_SECONDS = 0.3
_SERVICE_FACTS = ("LoadState", "ActiveState", "SubState", "Description", "MainPID", "ActiveEnterTimestamp")

ServiceName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9_@.:][A-Za-z0-9_@.:-]*$"),
    Field(description="The name of a systemd unit.", examples=["nginx"]),
]


@task_type("Memory and load")
def memory_and_load() -> dict[str, Any]:
    """Tell memory and swap in bytes, load averages, and for how many seconds the machine is up."""
    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    return {
        "memory": {"total": memory.total, "available": memory.available, "percent": memory.percent},
        "swap": {"total": swap.total, "used": swap.used, "percent": swap.percent},
        "load": [round(each, 2) for each in psutil.getloadavg()],
        "cpus": psutil.cpu_count() or 1,
        "uptime": int(time.time() - psutil.boot_time()),
    }


@task_type("Process list")
def process_list(
    by: Annotated[Literal["cpu", "memory"], Field(description="Which come first: the busiest or the largest.")] = "cpu",
    count: Annotated[int, Field(ge=1, le=500, description="At most so many.")] = 20,
) -> dict[str, Any]:
    """List processes: number, user, share of a CPU in percent, memory in bytes, name.

    Command lines are not told: they may hold secrets.
    """
    processes = list(psutil.process_iter())
    for each in processes:
        _cpu_percent(each)  # from here on it is counted
    time.sleep(_SAMPLE_SECONDS)
    rows = [row for each in processes if (row := _process_row(each))]
    rows.sort(key=lambda row: row["cpu_percent"] if by == "cpu" else row["memory"], reverse=True)
    return {"total": len(rows), "processes": rows[:count]}


@task_type("Service state")
def service_state(name: ServiceName) -> dict[str, Any]:
    """Tell whether a systemd service is there, and whether it runs."""
    systemctl = shutil.which("systemctl")
    if systemctl is None:
        raise RuntimeError("This node has no systemd, so it cannot tell the state of services.")
    facts = ",".join(_SERVICE_FACTS)
    done = subprocess.run(
        [systemctl, "show", f"--property={facts}", "--", name], capture_output=True, text=True, timeout=20
    )
    if done.returncode:
        raise RuntimeError(f"systemctl says: {done.stderr.strip() or 'nothing, and failed'}")
    found = dict(line.partition("=")[::2] for line in done.stdout.splitlines())
    return {
        "name": name,
        "found": found.get("LoadState") == "loaded",
        "state": found.get("ActiveState", "unknown"),
        "detail": found.get("SubState", ""),
        "description": found.get("Description", ""),
        "pid": int(found.get("MainPID") or 0) or None,
        "since": found.get("ActiveEnterTimestamp", ""),
    }


def _cpu_percent(process: psutil.Process) -> float:
    try:
        return process.cpu_percent()
    except psutil.Error:
        return 0.0


def _process_row(process: psutil.Process) -> dict[str, Any] | None:
    try:
        with process.oneshot():
            return {
                "pid": process.pid,
                "user": process.username(),
                "name": process.name(),
                "cpu_percent": process.cpu_percent(),
                "memory": process.memory_info().rss,
            }
    except psutil.Error:  # it ended meanwhile
        return None
