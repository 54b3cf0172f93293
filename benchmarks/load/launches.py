"""200 launches at once from 50 clients"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

from benchmarks.load.table import Row, percentile
from benchmarks.own_master import own_master, until

LAUNCHES = 200
CLIENTS = 50
#: What a master does at the same time unless told otherwise: SELFSERVICE_PARALLEL_RUNS.
PARALLEL = 5


def measure(home: Path) -> Iterator[Row]:
    """What was lost, how far from its place in the queue anything began, and how long clients waited."""
    with own_master(home) as master:
        master.call("GET", "/api/v1/runs").raise_for_status()  # makes the token
        headers = {"Authorization": f"Bearer {master.token}"}

        def launch(number: int) -> tuple[str, float]:
            body = {"command": f"echo {number}", "hosts": "master"}
            start = time.perf_counter()
            answer = requests.post(f"{master.url}/api/v1/commands", json=body, headers=headers, timeout=120)
            answer.raise_for_status()
            return str(answer.json()["id"]), time.perf_counter() - start

        begun = time.perf_counter()
        with ThreadPoolExecutor(CLIENTS) as clients:
            accepted = list(clients.map(launch, range(LAUNCHES)))
        accepting = time.perf_counter() - begun
        until(lambda: _total(master.call("GET", "/api/v1/runs?state=successful&limit=1")) >= LAUNCHES, 900)
        drained = time.perf_counter() - begun
        runs = master.call("GET", f"/api/v1/runs?limit={LAUNCHES}").json()["runs"]
    successful = {run["id"] for run in runs if run["state"] == "successful"}
    queued = [run["id"] for run in sorted(runs, key=lambda run: run["queued_at"])]
    started = [run["id"] for run in sorted(runs, key=lambda run: run["started_at"])]
    moved = [abs(place - queued.index(run_id)) for place, run_id in enumerate(started)]
    yield Row(
        "accepted, but not run once and successfully",
        LAUNCHES - len(successful & {each for each, _ in accepted}),
        "",
        0,
    )
    yield Row("places between the queue and the start, at most", max(moved), "", PARALLEL - 1)
    yield Row("a launch was accepted after, median", percentile((took for _, took in accepted), 0.5) * 1000, "ms")
    yield Row("a launch was accepted after, p95", percentile((took for _, took in accepted), 0.95) * 1000, "ms")
    yield Row("launches accepted a second", LAUNCHES / accepting, "")
    yield Row("all of them done after", drained, "s")


def _total(answer: requests.Response) -> int:
    return int(answer.json()["total"])
