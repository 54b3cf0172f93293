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
        "cpu_percent": psutil.cpu_percent(),
        "cpu_count": psutil.cpu_count() or 1,
        "load": [round(each, 2) for each in psutil.getloadavg()],
        "memory": {"total": memory.total, "available": memory.available, "percent": memory.percent},
        "disks": _disks(),
        "network": {"received": network.bytes_recv, "sent": network.bytes_sent} if network else _NO_NETWORK,
        "versions": dict(_versions()),
    }


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
