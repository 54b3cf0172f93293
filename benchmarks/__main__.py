"""Run every benchmark and print its table."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks import cold_start, memory, one_task, queue, round_trip, ssh_hosts, terminal
from tests.system import master


def main() -> None:
    """Start one master in a folder of its own and measure it."""
    with tempfile.TemporaryDirectory() as folder:
        started = master.start(Path(folder), one_task.INVENTORY)
        try:
            memory.wait_until_idle(started)
            idle = memory.of_tree(started.process.pid)
            one_task.measure(started, Path(folder))
            queue.measure(started, Path(folder))
            terminal.measure(Path(folder))
            round_trip.measure(started, Path(folder))
            memory.report(idle, memory.of_tree(started.process.pid))
        finally:
            started.stop()
        cold_start.measure(Path(folder), one_task.INVENTORY)
        ssh_hosts.measure(Path(folder))


if __name__ == "__main__":
    main()
