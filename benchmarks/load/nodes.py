"""1,000 nodes, each with a heartbeat every 10 seconds"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from benchmarks.load.table import Row, percentile
from benchmarks.own_master import own_master, settings_of, signed_in, timed, until
from selfservice.audit.actions import Actor
from selfservice.audit.journal import Journal
from selfservice.nodes.nodes import Nodes
from selfservice.store.database import Database
from tests.system.master import Master

NODES = 1000
EVERY_SECONDS = 10
MEASURED_SECONDS = 60
LOOKS = 20


def measure(home: Path) -> Iterator[Row]:
    """What the master spends on them, how fast it takes a heartbeat, and when it says that a node is down."""
    with own_master(home) as master:
        tokens = _registered(master)
        at_most = str(2 * MEASURED_SECONDS + 300)
        words = [sys.executable, "-m", "benchmarks.load.beats", master.url, str(EVERY_SECONDS), at_most]
        swarm = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert swarm.stdin and swarm.stdout
        swarm.stdin.write("".join(f"{name} {token}\n" for name, token in tokens) + "\n")
        swarm.stdin.flush()
        until(lambda: _count(master, "healthy") >= NODES)
        spent = _cpu_share(master.process.pid, MEASURED_SECONDS)
        browser = signed_in(master)
        pages = [timed(lambda: browser.get(f"{master.url}/health", timeout=60)) for _ in range(LOOKS)]
        died_at = time.time()
        swarm.stdin.write("die\n")
        swarm.stdin.flush()
        until(lambda: _state(master, tokens[0][0]) == "down")
        noticed = time.time() - died_at
        swarm.stdin.close()
        taken = [float(line) * 1000 for line in swarm.stdout]
        swarm.wait(60)
    yield Row("processor time of the master, of one processor", spent * 100, "%", 50)
    yield Row("a heartbeat is taken after, median", percentile(taken, 0.5), "ms")
    yield Row("a heartbeat is taken after, p99", percentile(taken, 0.99), "ms", 200)
    yield Row("the page Health, p95", percentile(pages, 0.95), "ms", 100)
    yield Row("a dead node is down after", noticed, "s", 60)


def _registered(master: Master) -> list[tuple[str, str]]:
    settings = settings_of(master)
    nodes = Nodes(Database(settings), Journal(settings.audit, "master"), settings)
    actor = Actor("benchmark", "terminal", "local")
    names = (f"worker-{number}" for number in range(NODES))
    return [(name, nodes.add(name, "https://worker.example.org", actor)[1]) for name in names]


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
