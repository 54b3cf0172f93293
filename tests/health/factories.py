"""Heartbeats as a node would send them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from selfservice.health.heartbeat import Heartbeat, parse

NOON = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)
GIB = 2**30


def body(**changed: Any) -> dict[str, Any]:
    """What a healthy node sends at noon."""
    return {
        "time": NOON.isoformat(),
        "uptime": 3600,
        "cpu_percent": 12.5,
        "cpu_count": 4,
        "load": [0.5, 0.4, 0.3],
        "memory": {"total": 8 * GIB, "available": 6 * GIB, "percent": 25.0},
        "disks": [{"mount": "/", "total": 100 * GIB, "used": 40 * GIB, "percent": 40.0}],
        "network": {"received": 1000, "sent": 500},
        "running_tasks": 2,
        "versions": {"selfservice": "0.1.0", "python": "3.11.2", "ansible": "2.19.14", "system": "Debian GNU/Linux 12"},
        **changed,
    }


def disk(percent: float, mount: str = "/") -> dict[str, Any]:
    """A disk that is so full."""
    return {"mount": mount, "total": 100 * GIB, "used": int(percent * GIB), "percent": percent}


def heartbeat(at: datetime = NOON, *, ahead: float = 0, **changed: Any) -> Heartbeat:
    """A heartbeat received at `at` from a node whose clock is so many seconds ahead."""
    return parse(body(time=(at + timedelta(seconds=ahead)).isoformat(), **changed), at)
