"""Run every benchmark, or only the named ones: `python -m benchmarks [NAME …]`."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from benchmarks import cold_start, memory, one_task, polemarch, queue, round_trip, ssh_hosts, terminal
from tests.guardian import guard

#: Each measures in a new folder, on a master of its own, and prints its table.
BENCHMARKS: dict[str, Callable[[Path], None]] = {
    "one_task": one_task.measure,
    "queue": queue.measure,
    "polemarch": polemarch.measure,
    "terminal": terminal.measure,
    "round_trip": round_trip.measure,
    "memory": memory.measure,
    "cold_start": cold_start.measure,
    "ssh_hosts": ssh_hosts.measure,
}


def main(names: Iterable[str]) -> None:
    """Print the table of each."""
    chosen = list(names) or list(BENCHMARKS)
    if unknown := [name for name in chosen if name not in BENCHMARKS]:
        sys.exit(f"There is no {unknown[0]}; choose from {', '.join(BENCHMARKS)}.")
    guard()  # what was started ends, however this one does
    print(f"Load average before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors", flush=True)
    for name in chosen:
        with tempfile.TemporaryDirectory(prefix="selfservice-bench-") as folder:
            home = Path(folder) / "home"
            home.mkdir()
            BENCHMARKS[name](home)
    print(f"Load average after: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main(sys.argv[1:])
