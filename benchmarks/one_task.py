"""A one-task run through the dashboard, POST to finished, against ansible-playbook on the same work."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from tests.system.master import Master

PAIRS = 10
INVENTORY = """\
all:
  hosts:
    master:
      ansible_connection: local
      ansible_python_interpreter: "{{ ansible_playbook_python }}"
"""
PLAYBOOK = """\
- hosts: master
  gather_facts: false
  tasks:
    - ansible.builtin.command: df -h /
"""


def measure(master: Master, folder: Path) -> None:
    """Print the medians and the ratio, pair by pair."""
    playbook = folder / "one_task.yml"
    playbook.write_text(PLAYBOOK)
    _through_the_dashboard(master)  # the first of each warms caches and is not counted
    by_hand(playbook, folder / "inventory")
    pairs = [(_through_the_dashboard(master), by_hand(playbook, folder / "inventory")) for _ in range(PAIRS)]
    ratios = [ours / theirs for ours, theirs in pairs]
    print(f"One task on the master, median of {PAIRS} pairs")
    print(f"  dashboard, POST to finished  {statistics.median(ours for ours, _ in pairs):.2f} s")
    print(f"  ansible-playbook by hand     {statistics.median(theirs for _, theirs in pairs):.2f} s")
    print(f"  ratio                        {statistics.median(ratios):.2f}  ({min(ratios):.2f} to {max(ratios):.2f})")


def _through_the_dashboard(master: Master) -> float:
    start = time.perf_counter()
    answer = master.call("POST", "/api/v1/commands", json={"command": "df -h /", "hosts": "master"})
    answer.raise_for_status()
    wait_for_end(master, answer.json()["id"])
    return time.perf_counter() - start


def wait_for_end(master: Master, run_id: str) -> None:
    """Return when the run has ended well."""
    while True:
        state = master.call("GET", f"/api/v1/runs/{run_id}").json()["state"]
        if state not in {"queued", "running"}:
            assert state == "successful", state
            return
        time.sleep(0.01)


def by_hand(playbook: Path, inventory: Path) -> float:
    """Seconds that ansible-playbook takes, unrecorded."""
    program = Path(sys.executable).parent / "ansible-playbook"
    environment = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}
    start = time.perf_counter()
    subprocess.run(
        [str(program), "-i", str(inventory), str(playbook)],
        cwd=inventory.parent,  # away from ansible.cfg: this one is not recorded
        env=environment,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - start
