"""Workers that say how they are, as a master hears them; without their processes."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from selfservice.health.history import History
from tests.health.factories import body, disk, heartbeat
from tests.system.master import Master

#: What each of them is like; `old-1` has never said anything.
NODES: dict[str, dict[str, Any]] = {
    "shop-1": {},
    "shop-2": {"disks": [disk(96), disk(40, "/srv/data")]},
    "shop-3": {"memory": {"total": 8 * 2**30, "available": 2**28, "percent": 97.0}},
    "shop-4": {},
    "old-1": {},
}
#: Quick enough for somebody who waits; the master's own heartbeat keeps its ten seconds.
LIMITS = """\
defaults: {lasting: 0, late_after: 5, down_after: 10}
nodes:
  master: {late_after: 60, down_after: 120, load_per_cpu: 1000, memory_percent: 100, disk_percent: 100, clock_offset: 3600}
"""
_BEAT_SECONDS = 2


@dataclass
class Fleet:
    """The workers of one master."""

    master: Master
    tokens: dict[str, str]
    silent: set[str] = field(default_factory=lambda: {"old-1"})
    over: threading.Event = field(default_factory=threading.Event)

    def beat_until_over(self) -> None:
        """Say how each is that is not silent, again and again."""
        while True:
            for name in NODES.keys() - self.silent:
                self.beat(name)
            if self.over.wait(_BEAT_SECONDS):
                return

    def beat(self, name: str) -> None:
        """Say how one of them is."""
        requests.post(
            f"{self.master.url}/api/v1/nodes/{name}/heartbeats",
            json=body(time=datetime.now(UTC).isoformat(), **NODES[name]),
            headers={"Authorization": f"Bearer {self.tokens[name]}"},
            timeout=10,
        ).raise_for_status()


@contextmanager
def sample_fleet(master: Master) -> Iterator[Fleet]:
    """Workers with a past of a day, heard for as long as this lasts."""
    instance = master.home / "instance"
    (instance / "health.yml").write_text(LIMITS)
    tokens = {}
    for number, name in enumerate(NODES, start=1):
        answer = master.call("POST", "/api/v1/nodes", json={"name": name, "address": f"http://127.0.0.{number}:5001"})
        answer.raise_for_status()
        tokens[name] = answer.json()["token"]
    _write_past(History(instance / "health"), "shop-1", "shop-2")
    fleet = Fleet(master, tokens)
    beating = threading.Thread(target=fleet.beat_until_over)
    beating.start()
    try:
        yield fleet
    finally:
        fleet.over.set()
        beating.join()


def _write_past(history: History, *names: str) -> None:
    """A day of figures, with three hours of silence in it."""
    now = datetime.now(UTC)
    for minutes in range(24 * 60, 0, -1):
        if 600 < minutes < 780:
            continue
        at = now - timedelta(minutes=minutes)
        for number, name in enumerate(names):
            cpu = 40 + 30 * math.sin(minutes / 40 + number)
            named = {"cpu_percent": round(cpu, 1), "load": [round(cpu / 25, 2), 1, 1], **NODES[name]}
            history.append(name, heartbeat(at, **named), at)
