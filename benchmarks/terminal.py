"""What the record of a playbook run by hand costs: 100 tasks, with it and without."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from selfservice.settings import CHECKOUT

PAIRS = 3
TASKS = 100
TASK = "    - ansible.builtin.command: df -h /\n"


def measure(folder: Path) -> None:
    """Print the medians and the ratio, pair by pair; `folder` is a master's home."""
    playbook = folder / "hundred_tasks.yml"
    playbook.write_text("- hosts: master\n  gather_facts: false\n  tasks:\n" + TASK * TASKS)
    unrecorded = folder / "unrecorded.cfg"
    lines = (CHECKOUT / "ansible.cfg").read_text().splitlines(keepends=True)
    unrecorded.write_text("".join(line for line in lines if not line.startswith("callback")))
    _took(folder, playbook, CHECKOUT / "ansible.cfg")  # the first warms caches and is not counted
    pairs = []
    for number in range(PAIRS):
        # In turns, so that whatever slows the machine down slows both down.
        configs = [CHECKOUT / "ansible.cfg", unrecorded]
        took = {config: _took(folder, playbook, config) for config in (configs if number % 2 else configs[::-1])}
        pairs.append((took[configs[0]], took[configs[1]]))
    ratios = [recorded / plain for recorded, plain in pairs]
    print(f"{TASKS} tasks by ansible-playbook in a terminal, median of {PAIRS} pairs")
    print(f"  recorded    {statistics.median(recorded for recorded, _ in pairs):.2f} s")
    print(f"  unrecorded  {statistics.median(plain for _, plain in pairs):.2f} s")
    print(f"  ratio       {statistics.median(ratios):.3f}  ({min(ratios):.3f} to {max(ratios):.3f})")


def _took(folder: Path, playbook: Path, config: Path) -> float:
    program = Path(sys.executable).parent / "ansible-playbook"
    environment = {**os.environ, "SELFSERVICE_HOME": str(folder), "ANSIBLE_CONFIG": str(config)}
    start = time.perf_counter()
    subprocess.run(
        [str(program), "-i", str(folder / "inventory"), str(playbook)],
        cwd=CHECKOUT,
        env=environment,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - start
