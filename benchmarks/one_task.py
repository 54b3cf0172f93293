"""A one-task run through the dashboard, POST to finished, against Ansible's own programs on the same work."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

from benchmarks import by_hand
from benchmarks.own_master import launch, own_master, wait_until_idle
from benchmarks.rounds import compare
from tests.system.master import Master

ROUNDS = 10
PLAYBOOK = """\
- hosts: master
  gather_facts: false
  tasks:
    - ansible.builtin.command: df -h /
"""


def measure(home: Path) -> None:
    """Print the medians and ratios."""
    with own_master(home) as master:
        wait_until_idle(master)
        ways = {**by_hand.ways(*written(home)), "dashboard, POST to finished": partial(by_dashboard, master)}
        compare("One task on the master", ways, ROUNDS)


def written(home: Path) -> tuple[Path, Path]:
    """The playbook, in a folder of its own, and the inventory of the master at `home`."""
    playbook = home.with_name("one-task") / "one_task.yml"
    playbook.parent.mkdir()
    playbook.write_text(PLAYBOOK)
    return playbook, home / "inventory"


def by_dashboard(master: Master) -> float:
    """Seconds from the request to the end."""
    start = time.perf_counter()
    wait_for_end(master, launch(master, "df -h /"))
    return time.perf_counter() - start


def wait_for_end(master: Master, run_id: str) -> None:
    """Return when the run has ended well."""
    while True:
        state = master.call("GET", f"/api/v1/runs/{run_id}").json()["state"]
        if state not in {"queued", "running"}:
            assert state == "successful", state
            return
        time.sleep(0.01)
