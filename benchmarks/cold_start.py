"""How long a master takes from its command to its first page, and until it would begin a run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import requests

from benchmarks.own_master import INVENTORY
from tests.system import master

TIMES = 5


def measure(folder: Path) -> None:
    """Print both, on a new folder and on one that was prepared before."""
    firsts, agains = [], []
    for number in range(TIMES):
        home = folder / f"new-{number}"
        home.mkdir()
        firsts.append(_seconds(home))
        agains.append(_seconds(home))
    print(f"From the command on, median of {TIMES}         first page   ready for runs")
    for title, taken in (("a new node", firsts), ("one that ran before", agains)):
        page, ready = (statistics.median(each[number] for each in taken) for number in (0, 1))
        print(f"  {title:34} {page:10.2f} s {ready:12.2f} s")


def _seconds(home: Path) -> tuple[float, float]:
    """To the first page, and until runs would begin."""
    start = time.perf_counter()
    started = master.launch(home, INVENTORY)
    try:
        page = _when(lambda: requests.get(f"{started.url}/sign-in", timeout=10))
        ready = _when(lambda: requests.get(f"{started.url}/healthz", timeout=10))
        return page - start, ready - start
    finally:
        started.stop()


def _when(call: Callable[[], requests.Response]) -> float:
    while True:
        try:
            if call().status_code == requests.codes.ok:
                return time.perf_counter()
        except (requests.ConnectionError, requests.Timeout):
            pass
        time.sleep(0.01)
