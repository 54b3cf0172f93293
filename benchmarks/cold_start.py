"""How long a master takes from its command to its first page: on a new folder, and on one that was prepared before."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

from benchmarks.own_master import INVENTORY
from tests.system import master

TIMES = 5


def measure(folder: Path) -> None:
    """Print both."""
    firsts, agains = [], []
    for number in range(TIMES):
        home = folder / f"new-{number}"
        home.mkdir()
        firsts.append(_seconds_to_first_page(home))
        agains.append(_seconds_to_first_page(home))
    print(f"From the command to the first page, median of {TIMES}")
    print(f"  a new node              {statistics.median(firsts):.2f} s")
    print(f"  one that ran before     {statistics.median(agains):.2f} s")


def _seconds_to_first_page(home: Path) -> float:
    start = time.perf_counter()
    started = master.start(home, INVENTORY)  # returns when it answers
    try:
        return time.perf_counter() - start
    finally:
        started.stop()
