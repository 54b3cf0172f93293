"""100 one-task runs queued at once and drained, against a shell loop of ansible-playbook at the same parallelism."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.one_task import PLAYBOOK, by_hand
from tests.system.master import Master

RUNS = 100
#: What a master does unless told otherwise: SELFSERVICE_PARALLEL_RUNS.
PARALLEL = 5


def measure(master: Master, folder: Path) -> None:
    """Print how long each takes, and the ratio."""
    playbook = folder / "queued.yml"
    playbook.write_text(PLAYBOOK)
    ours, theirs = _drained(master), _looped(playbook, folder / "inventory")
    print(f"{RUNS} one-task runs, {PARALLEL} at a time")
    print(f"  queued and drained        {ours:.1f} s")
    print(f"  loop of ansible-playbook  {theirs:.1f} s")
    print(f"  ratio                     {ours / theirs:.2f}")


def _drained(master: Master) -> float:
    start = time.perf_counter()
    before = master.call("GET", "/api/v1/runs?state=successful&limit=1").json()["total"]
    for _ in range(RUNS):
        master.call("POST", "/api/v1/commands", json={"command": "df -h /", "hosts": "master"}).raise_for_status()
    while master.call("GET", "/api/v1/runs?state=successful&limit=1").json()["total"] < before + RUNS:
        time.sleep(0.1)
    return time.perf_counter() - start


def _looped(playbook: Path, inventory: Path) -> float:
    start = time.perf_counter()
    with ThreadPoolExecutor(PARALLEL) as pool:
        list(pool.map(lambda _: by_hand(playbook, inventory), range(RUNS)))
    return time.perf_counter() - start
