"""Run every scenario, or only the named ones: `python -m benchmarks.load [NAME …]`."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from benchmarks.load import busy, crowd, flood, history, hosts, launches, nodes
from benchmarks.load.table import Row, Scenario, heading, show, verdict

SCENARIOS: dict[str, Scenario] = {
    "crowd": crowd.measure,
    "launches": launches.measure,
    "nodes": nodes.measure,
    "history": history.measure,
    "hosts": hosts.measure,
    "flood": flood.measure,
    "busy": busy.measure,
}


def main(names: Iterable[str]) -> None:
    """Print the table of each, and how many targets were met."""
    chosen = list(names) or list(SCENARIOS)
    if unknown := [name for name in chosen if name not in SCENARIOS]:
        sys.exit(f"There is no {unknown[0]}; choose from {', '.join(SCENARIOS)}.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started ends, and its folder goes
    print(f"Load average before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    rows: list[Row] = []
    for name in chosen:
        module = sys.modules[SCENARIOS[name].__module__]
        heading((module.__doc__ or name).splitlines()[0])
        with tempfile.TemporaryDirectory(prefix="selfservice-load-") as folder:
            for row in SCENARIOS[name](Path(folder) / "home"):
                show(row)
                rows.append(row)
    print(f"\n{verdict(rows)}; load average after: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main(sys.argv[1:])
