"""How long Ansible's own programs take, typed by hand."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from benchmarks.rounds import Way

#: Where the programs are that this node runs.
PROGRAMS = Path(sys.executable).parent


def ways(playbook: Path, inventory: Path) -> dict[str, Way]:
    """Each program on the same files; the first is what all is compared with."""
    return {
        "ansible-playbook by hand": partial(ansible_playbook, playbook, inventory),
        "ansible-runner run": partial(ansible_runner, playbook, inventory),
    }


def ansible_playbook(playbook: Path, inventory: Path, programs: Path = PROGRAMS) -> float:
    """Seconds that ansible-playbook takes, unrecorded."""
    return seconds("ansible-playbook", "-i", inventory, playbook, folder=playbook.parent, programs=programs)


def ansible_runner(playbook: Path, inventory: Path) -> float:
    """Seconds that ansible-runner takes; it keeps its artifacts beside the folder of the playbook."""
    kept = playbook.parent.with_name("ansible-runner")
    words = ["--project-dir", playbook.parent, "-p", playbook.name, "--inventory", inventory]
    return seconds("ansible-runner", "run", kept, *words, folder=playbook.parent)


def seconds(program: str, *words: str | Path, folder: Path, programs: Path = PROGRAMS, **environment: str) -> float:
    """Seconds that a program takes in `folder`; away from our ansible.cfg nothing is recorded."""
    passed = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", **environment}
    start = time.perf_counter()
    subprocess.run([programs / program, *words], cwd=folder, env=passed, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start
