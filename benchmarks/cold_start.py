"""How long a master takes from its command to its first page: on a new folder, and on one that was prepared before."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

from tests.system import master

TIMES = 5


def measure(folder: Path, inventory: str) -> None:
    """Print both."""
    firsts, agains = [], []
    for number in range(TIMES):
        home = folder / f"new-{number}"
        home.mkdir()
        firsts.append(_seconds_to_first_page(home, inventory))
        agains.append(_seconds_to_first_page(home, inventory))
    print(f"From the command to the first page, median of {TIMES}")
    print(f"  a new node              {statistics.median(firsts):.2f} s")
    print(f"  one that ran before     {statistics.median(agains):.2f} s")


def _seconds_to_first_page(home: Path, inventory: str) -> float:
    start = time.perf_counter()
    started = master.start(home, inventory)  # returns when it answers
    try:
        return time.perf_counter() - start
    finally:
        started.stop()
