"""A real SSH host for the playbooks, and ansible-playbook as a person types it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from selfservice.settings import CHECKOUT
from tests.system import sshd
from tests.system.conftest import ssh_hosts  # noqa: F401  # the same hosts as for runs

_RECAP = re.compile(r"^(?P<host>\S+) +: ok=(?P<ok>\d+) +changed=(?P<changed>\d+) ", re.MULTILINE)


@dataclass(frozen=True)
class Played:
    """How a call of ansible-playbook went."""

    rc: int
    output: str

    @property
    def changed(self) -> int:
        """How many tasks changed something, on all hosts."""
        return sum(int(found["changed"]) for found in _RECAP.finditer(self.output))


@pytest.fixture
def play(ssh_hosts: sshd.SshHosts, tmp_path: Path) -> Callable[..., Played]:  # noqa: F811
    """Call ansible-playbook on web-1."""
    inventory = tmp_path / "hosts.yml"
    inventory.write_text(ssh_hosts.inventory())

    def call(playbook: str | Path, *words: str, **variables: object) -> Played:
        path = playbook if isinstance(playbook, Path) else CHECKOUT / "playbooks" / f"{playbook}.yml"
        done = subprocess.run(
            [
                str(Path(sys.executable).with_name("ansible-playbook")),
                str(path),
                "--inventory", str(inventory),
                "--limit", "web-1",
                "--extra-vars", json.dumps(variables),
                *words,
            ],
            cwd=CHECKOUT,
            env={**os.environ, "SELFSERVICE_RUN_ID": "20260101T000000-000000", "ANSIBLE_NOCOLOR": "1"},
            capture_output=True,
            text=True,
            timeout=120,
        )  # fmt: skip
        return Played(done.returncode, done.stdout + done.stderr)

    return call
