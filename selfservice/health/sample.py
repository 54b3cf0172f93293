"""What a node says of itself: one look at this machine."""

from __future__ import annotations

import platform
import time
from functools import lru_cache
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

import psutil

from selfservice.store.times import now
from selfservice.version import version

#: File systems that are somebody else's view of space counted already, or read-only by nature.
_NOT_COUNTED = frozenset({"squashfs", "overlay", "iso9660", "tmpfs", "devtmpfs", "ramfs", "efivarfs"})


def take() -> dict[str, Any]:
    """What this machine is like now; the processor's share since the call before."""
    memory, network = psutil.virtual_memory(), psutil.net_io_counters()
    return {
        "time": now(),
        "uptime": int(time.time() - psutil.boot_time()),
        "cpu_percent": _cpu.percent(),
        "cpu_count": psutil.cpu_count() or 1,
        "load": [round(each, 2) for each in psutil.getloadavg()],
        "memory": {"total": memory.total, "available": memory.available, "percent": memory.percent},
        "disks": _disks(),
        "network": {"received": network.bytes_recv, "sent": network.bytes_sent} if network else _NO_NETWORK,
        "versions": dict(_versions()),
    }


class _Cpu:
    """The share of time in which processors were busy; psutil's own begins anew in each thread."""

    def __init__(self) -> None:
        self._busy, self._total = _cpu_seconds()

    def percent(self) -> float:
        """Since it was asked before, whichever thread did."""
        before_busy, before_total = self._busy, self._total
        self._busy, self._total = _cpu_seconds()
        passed = self._total - before_total
        return round(min(100.0, max(0.0, 100 * (self._busy - before_busy) / passed)), 1) if passed > 0 else 0.0


def _cpu_seconds() -> tuple[float, float]:
    """Of all processors together since the machine started: busy, and all. Guests are among the user's (proc(5))."""
    times = psutil.cpu_times()
    total = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
    return total - times.idle - getattr(times, "iowait", 0.0), total


_cpu = _Cpu()
_NO_NETWORK = {"received": 0, "sent": 0}


def _disks() -> list[dict[str, Any]]:
    """Each real file system once, by its first mount; where there is none to see, the root."""
    mounts: dict[str, str] = {}
    for partition in psutil.disk_partitions(all=False):
        # A container has single files of its host mounted over its own.
        if partition.fstype not in _NOT_COUNTED and Path(partition.mountpoint).is_dir():
            mounts.setdefault(partition.device, partition.mountpoint)
    found = [_disk(mount) for mount in sorted(mounts.values())]
    return [disk for disk in found if disk] or [disk for disk in [_disk("/")] if disk]


def _disk(mount: str) -> dict[str, Any] | None:
    try:
        usage = psutil.disk_usage(mount)
    except OSError:  # unmounted since, or not for our eyes
        return None
    if not usage.total:
        return None
    return {"mount": mount, "total": usage.total, "used": usage.used, "percent": usage.percent}


@lru_cache(maxsize=1)
def _versions() -> tuple[tuple[str, str], ...]:
    return (
        ("selfservice", version()),
        ("python", platform.python_version()),
        ("ansible", version_of("ansible-core")),
        ("system", _system()),
    )


def _system() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", platform.platform())
    except OSError:
        return platform.platform()
