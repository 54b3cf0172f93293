"""A task through the API, in a process of its own, against a bare Flask view that does the same in the server's."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import requests

from benchmarks.own_master import own_master
from tests.ports import free_port
from tests.system.master import Master

PAIRS = 100
_BARE = """\
from flask import Flask, jsonify
from selfservice.tasks.bundled.machine import memory_and_load
app = Flask("bare")

@app.post("/")
def view():
    return jsonify(memory_and_load())
"""


def measure(home: Path) -> None:
    """Print the medians and the ratio, pair by pair."""
    with own_master(home) as master:
        (home / "bare.py").write_text(_BARE)
        _against_a_bare_view(master)


def _against_a_bare_view(master: Master) -> None:
    port = free_port()
    gunicorn = [str(Path(sys.executable).parent / "gunicorn"), "-k", "gthread", "--threads", "8", "-b"]
    environment = {**master.environment, "PYTHONPATH": f"{master.home}:{Path.cwd()}"}
    bare = subprocess.Popen([*gunicorn, f"127.0.0.1:{port}", "bare:app"], env=environment, stderr=subprocess.DEVNULL)
    try:
        _compare(master, f"http://127.0.0.1:{port}/")
    finally:
        bare.terminate()
        bare.wait(20)


def _compare(master: Master, bare: str) -> None:
    token = (master.home / "instance" / "node_token").read_text().strip()
    headers = {"Authorization": f"Bearer {token}"}
    body = {"type": "memory_and_load"}
    with requests.Session() as session:

        def task() -> float:
            return _took(session, f"{master.worker_url}/api/v1/tasks", json=body, headers=headers)

        def view() -> float:
            return _took(session, bare)

        _wait_for(view)
        task(), view()  # the first ones warm up and are not counted
        pairs = [_pair(task, view, number) for number in range(PAIRS)]
    ratios = [ours / theirs for ours, theirs in pairs]
    print(f"One task through the API, median of {PAIRS} pairs")
    print(f"  task in its own process  {statistics.median(each[0] for each in pairs) * 1000:.1f} ms")
    print(f"  bare Flask view          {statistics.median(each[1] for each in pairs) * 1000:.1f} ms")
    print(f"  ratio                    {statistics.median(ratios):.1f}  ({min(ratios):.1f} to {max(ratios):.1f})")


def _pair(task: Callable[[], float], view: Callable[[], float], number: int) -> tuple[float, float]:
    """In turns, so that whatever slows the machine down slows both down."""
    if number % 2:
        return task(), view()
    theirs = view()
    return task(), theirs


def _took(session: requests.Session, url: str, **named: object) -> float:
    start = time.perf_counter()
    session.post(url, timeout=30, **named).raise_for_status()  # type: ignore[arg-type]
    return time.perf_counter() - start


def _wait_for(view: Callable[[], float]) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            view()
            return
        except requests.ConnectionError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
