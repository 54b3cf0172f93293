"""What the record of a playbook run by hand costs: 100 tasks, with it and without."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from benchmarks import by_hand
from benchmarks.own_master import own_master
from benchmarks.rounds import compare
from selfservice.settings import CHECKOUT

ROUNDS = 3
TASKS = 100
TASK = "    - ansible.builtin.command: df -h /\n"


def measure(home: Path) -> None:
    """Print the medians and the ratio."""
    with own_master(home):
        playbook = home / "hundred_tasks.yml"
        playbook.write_text("- hosts: master\n  gather_facts: false\n  tasks:\n" + TASK * TASKS)
        unrecorded = home / "unrecorded.cfg"
        lines = (CHECKOUT / "ansible.cfg").read_text().splitlines(keepends=True)
        unrecorded.write_text("".join(line for line in lines if not line.startswith("callback")))
        ways = {
            "unrecorded": partial(_took, home, playbook, unrecorded),
            "recorded": partial(_took, home, playbook, CHECKOUT / "ansible.cfg"),
        }
        compare(f"{TASKS} tasks by ansible-playbook in a terminal", ways, ROUNDS)


def _took(home: Path, playbook: Path, config: Path) -> float:
    environment = {"SELFSERVICE_HOME": str(home), "ANSIBLE_CONFIG": str(config)}
    return by_hand.seconds("ansible-playbook", "-i", home / "inventory", playbook, folder=CHECKOUT, **environment)
