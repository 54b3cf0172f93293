"""Polemarch 4 beside the dashboard, on the same work; left out with a line where it cannot be."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

from benchmarks import by_hand, memory, one_task, queue
from benchmarks.own_master import INVENTORY, own_master, wait_until_idle
from benchmarks.own_polemarch import PROGRAMS, VERSION, LeftOut, Polemarch, own_polemarch, wait_for
from benchmarks.rounds import compare
from tests.system.master import Master

ROUNDS = 5
_UNFINISHED = {"DELAY", "RUN"}
#: Seconds until it takes up no more than it needs.
_SETTLES = 45


def measure(home: Path) -> None:
    """Print what both take, in time and in memory."""
    try:
        with own_master(home) as master, own_polemarch(home.with_name("polemarch")) as polemarch:
            project = _project(polemarch)
            wait_until_idle(master)
            _compare_memory(master, polemarch)
            playbook, inventory = one_task.written(home)
            hand = partial(by_hand.ansible_playbook, playbook, inventory)
            ways = {
                "ansible-playbook by hand": hand,
                "ansible-playbook of Polemarch": partial(hand, programs=PROGRAMS),
                "dashboard, POST to finished": partial(one_task.by_dashboard, master),
                "Polemarch, POST to finished": partial(_one_task, polemarch, project),
            }
            compare("One task on the master, beside Polemarch", ways, ROUNDS)
            ways = {
                "loop of ansible-playbook": partial(queue.looped, hand),
                "dashboard, queued and drained": partial(queue.drained, master),
                "Polemarch, queued and drained": partial(_drained, polemarch, project),
            }
            compare(f"{queue.RUNS} one-task runs, {queue.PARALLEL} at a time", ways, rounds=1, warm_up=False)
    except LeftOut as why:
        print(f"Polemarch: left out ({why})", flush=True)


def _compare_memory(master: Master, polemarch: Polemarch) -> None:
    """The least that each takes up meanwhile: their worker keeps what it does not need for 30 s."""
    ours, theirs = [], []
    until = time.monotonic() + _SETTLES
    while time.monotonic() < until:
        ours.append(memory.total(memory.of_tree(master.process.pid)))
        theirs.append(sum(memory.total(memory.of_tree(each.pid)) for each in polemarch.processes))
        time.sleep(2)
    print(f"Idle memory of all processes, beside Polemarch {VERSION} with {polemarch.broker} as its broker")
    print(f"  dashboard  {min(ours):.0f} MiB (proportional)")
    print(f"  Polemarch  {min(theirs):.0f} MiB (proportional)", flush=True)


def _project(polemarch: Polemarch) -> int:
    """The id of a project that holds the same files."""
    project = int(polemarch.call("POST", "/api/v4/project/", json={"name": "benchmark", "type": "MANUAL"})["id"])
    polemarch.call("PATCH", f"/api/v4/project/{project}/sync/")
    wait_for("its worker", lambda: polemarch.call("GET", f"/api/v4/project/{project}/")["status"] == "OK")
    folder = polemarch.folder / "projects" / str(project)
    (folder / "one_task.yml").write_text(one_task.PLAYBOOK)
    (folder / "hosts.yml").write_text(INVENTORY)
    return project


def _launch(polemarch: Polemarch, project: int) -> int:
    body = {"playbook": "one_task.yml", "inventory": "hosts.yml"}
    path = f"/api/v4/project/{project}/execute_ansible_playbook/"
    return int(polemarch.call("POST", path, json=body)["history_id"])


def _one_task(polemarch: Polemarch, project: int) -> float:
    start = time.perf_counter()
    run = _launch(polemarch, project)
    while (status := polemarch.call("GET", f"/api/v4/history/{run}/")["status"]) in _UNFINISHED:
        time.sleep(0.01)  # as often as the dashboard is asked
    took = time.perf_counter() - start
    if status != "OK":
        raise LeftOut(f"its run ended with {status}")
    return took


def _drained(polemarch: Polemarch, project: int) -> float:
    before = _successful(polemarch)
    start = time.perf_counter()
    for _ in range(queue.RUNS):
        _launch(polemarch, project)
    wait_for(f"{queue.RUNS} runs to end well", lambda: _successful(polemarch) == before + queue.RUNS, seconds=600)
    return time.perf_counter() - start


def _successful(polemarch: Polemarch) -> int:
    return int(polemarch.call("GET", "/api/v4/history/?status=OK&limit=1")["count"])
