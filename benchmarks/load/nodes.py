"""1,000 simulated workers at a 10 s heartbeat: CPU share of the master, time of acceptance, when a dead one shows."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import psutil

from selfservice.audit.actions import Actor
from selfservice.audit.journal import Journal
from selfservice.nodes.nodes import Nodes
from selfservice.settings import load
from selfservice.store.database import Database
from tests.system.master import Master

WORKERS = 1000
EVERY_SECONDS = 10
MEASURED_SECONDS = 60


def measure(master: Master) -> None:
    """Print CPU share, median and p99 of acceptance, and how long a dead worker goes unnoticed."""
    tokens = _registered(master)
    swarm = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.swarm", master.url, str(EVERY_SECONDS), str(2 * MEASURED_SECONDS + 100)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert swarm.stdin and swarm.stdout
    swarm.stdin.write("".join(f"{name} {token}\n" for name, token in tokens) + "\n")
    swarm.stdin.flush()
    _until(lambda: _count(master, "healthy") >= WORKERS)
    share = _cpu_share(master.process.pid, MEASURED_SECONDS)
    died_at = time.time()
    swarm.stdin.write("die\n")
    swarm.stdin.flush()
    _until(lambda: _state(master, tokens[0][0]) == "down")
    noticed = time.time() - died_at
    swarm.stdin.close()
    latencies = sorted(float(line) for line in swarm.stdout)
    swarm.wait()
    print(f"{WORKERS} workers, a heartbeat each {EVERY_SECONDS} s")
    print(f"  CPU share of the master    {share:.0%} of one processor")
    print(f"  acceptance, median         {statistics.median(latencies) * 1000:.1f} ms")
    print(f"  acceptance, p99            {latencies[int(len(latencies) * 0.99)] * 1000:.1f} ms")
    print(f"  a dead one is down after   {noticed:.0f} s (limit 60 s after its last heartbeat)")


def _registered(master: Master) -> list[tuple[str, str]]:
    settings = load({name: value for name, value in master.environment.items() if name.startswith("SELFSERVICE_")})
    nodes = Nodes(Database(settings), Journal(settings.audit, "master"), settings)
    actor = Actor("benchmark", "terminal", "local")
    return [
        (name, nodes.add(name, "https://worker.example.org", actor)[1])
        for name in (f"worker-{number}" for number in range(WORKERS))
    ]


def _cpu_share(pid: int, seconds: float) -> float:
    before, start = _cpu_seconds(pid), time.monotonic()
    time.sleep(seconds)
    return (_cpu_seconds(pid) - before) / (time.monotonic() - start)


def _cpu_seconds(pid: int) -> float:
    process = psutil.Process(pid)
    return sum(sum(each.cpu_times()[:2]) for each in (process, *process.children(recursive=True)))


def _count(master: Master, state: str) -> int:
    return int(master.call("GET", "/api/v1/health").json()["counts"][state])


def _state(master: Master, name: str) -> str:
    return str(master.call("GET", f"/api/v1/nodes/{name}/health").json()["state"])


def _until(condition: Callable[[], bool], seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.5)
