"""100 one-task runs queued at once and drained, against loops of Ansible's own programs, as many at a time."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from benchmarks import by_hand
from benchmarks.one_task import written
from benchmarks.own_master import launch, own_master, wait_until_idle
from benchmarks.rounds import Way, compare
from tests.system.master import Master

RUNS = 100
#: What a master does unless told otherwise: SELFSERVICE_PARALLEL_RUNS.
PARALLEL = 5


def measure(home: Path) -> None:
    """Print how long each takes, and the ratios."""
    with own_master(home) as master:
        wait_until_idle(master)
        ways = {f"loop of {label}": partial(looped, way) for label, way in by_hand.ways(*written(home)).items()}
        ways["dashboard, queued and drained"] = partial(drained, master)
        compare(f"{RUNS} one-task runs, {PARALLEL} at a time", ways, rounds=1, warm_up=False)


def drained(master: Master) -> float:
    """Seconds from the first request until all runs have ended well."""
    before = _successful(master)
    start = time.perf_counter()
    for _ in range(RUNS):
        launch(master, "df -h /")
    while _successful(master) < before + RUNS:
        time.sleep(0.1)
    return time.perf_counter() - start


def _successful(master: Master) -> int:
    return int(master.call("GET", "/api/v1/runs?state=successful&limit=1").json()["total"])


def looped(once: Way) -> float:
    """Seconds for as many by hand."""
    start = time.perf_counter()
    with ThreadPoolExecutor(PARALLEL) as pool:
        list(pool.map(lambda _: once(), range(RUNS)))
    return time.perf_counter() - start
