"""The dashboard while runs saturate every processor"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from benchmarks.load.table import Row, percentile
from benchmarks.own_master import launch, own_master, signed_in, timed

SECONDS = 60
RUNS = 10
PAGES = ("/", "/runs", "/history", "/operations", "/nodes", "/health", "/api/v1/runs")


def measure(home: Path) -> Iterator[Row]:
    """How long pages take while as many runs as a master does at a time do nothing but count."""
    with own_master(home) as master:
        browser = signed_in(master)
        for path in PAGES:
            browser.get(f"{master.url}{path}", timeout=60)
        for _ in range(RUNS):
            launch(master, f"timeout {SECONDS + 30} sh -c 'while :; do :; done' || true", shell=True)
        while master.call("GET", "/api/v1/runs?state=running&limit=1").json()["total"] < 5:
            time.sleep(0.1)
        psutil.cpu_percent()
        looks: list[float] = []
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            looks += [timed(lambda: browser.get(f"{master.url}{path}", timeout=60)) for path in PAGES]  # noqa: B023
            time.sleep(0.2)
        used = psutil.cpu_percent()
        for run in master.call("GET", "/api/v1/runs").json()["runs"]:
            if run["state"] in {"queued", "running"}:
                master.call("POST", f"/api/v1/runs/{run['id']}/cancel")
        while master.call("GET", "/api/v1/runs?state=running&limit=1").json()["total"]:
            time.sleep(0.1)
    yield Row("processors used meanwhile", used, "%")
    yield Row("a page, median", percentile(looks, 0.5), "ms")
    yield Row("a page, p95", percentile(looks, 0.95), "ms", 200)
