"""A real SSH host for the playbooks, and ansible-playbook as a person types it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pytest
import yaml

from selfservice.settings import CHECKOUT
from tests.system import sshd
from tests.system.conftest import ssh_hosts  # noqa: F401  # the same hosts as for runs

PLAYBOOKS = CHECKOUT / "playbooks"


@dataclass(frozen=True)
class Operation:
    """One operation with the values it is tried with."""

    name: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """What one play of a call printed."""

    output: str

    @property
    def changed(self) -> int:
        """How many tasks changed something."""
        return len(re.findall(r"^changed: \[", self.output, re.MULTILINE))


@dataclass(frozen=True)
class Played:
    """How a call of ansible-playbook went."""

    rc: int
    output: str

    @property
    def parts(self) -> list[Part]:
        """What each play printed, in their order."""
        return [Part(text) for text in re.split(r"^PLAY (?=\[)", self.output, flags=re.MULTILINE)[1:]]

    @property
    def changed(self) -> list[int]:
        """How many tasks changed something, for each play."""
        return [part.changed for part in self.parts]


class Play(Protocol):
    """Calls ansible-playbook on web-1: operations one after the other, or a playbook of the test."""

    def __call__(
        self, *operations: Operation, switches: tuple[str, ...] = (), playbook: Any = None, **environment: str
    ) -> Played:
        """Run them in one call."""


@pytest.fixture(scope="session")
def kept_connections(ssh_hosts: sshd.SshHosts) -> Iterator[str]:  # noqa: F811
    """An inventory whose connections are kept for a moment: the folder of a test is too long a path for a socket."""
    folder = Path(tempfile.mkdtemp(prefix="ssh-"))
    yield ssh_hosts.inventory().replace("ControlPath=none", f"ControlPath={folder}/%C")
    shutil.rmtree(folder)


@pytest.fixture
def play(kept_connections: str, tmp_path: Path) -> Play:
    """Call ansible-playbook on web-1."""
    inventory = tmp_path / "hosts.yml"
    inventory.write_text(kept_connections)

    def call(
        *operations: Operation, switches: tuple[str, ...] = (), playbook: Any = None, **environment: str
    ) -> Played:
        written = Path(tempfile.mkstemp(".yml", "playbook-", tmp_path)[1])
        imports = [{"import_playbook": str(PLAYBOOKS / f"{o.name}.yml"), "vars": o.values} for o in operations]
        written.write_text(yaml.safe_dump(playbook or imports))
        words = ["--inventory", str(inventory), "--limit", "web-1", *switches]
        kept = "-o ControlMaster=auto -o ControlPersist=5s"
        return ansible_playbook(*words, str(written), ANSIBLE_SSH_ARGS=kept, **environment)

    return call


def together(*calls: Callable[[], Played]) -> list[Played]:
    """Several calls at the same time, as most of a call is waiting."""
    with ThreadPoolExecutor() as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


def ansible_playbook(*words: str, **environment: str) -> Played:
    """What `ansible-playbook …` typed in the checkout does."""
    done = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-playbook")), *words],
        cwd=CHECKOUT, env={**os.environ, "ANSIBLE_NOCOLOR": "1", **environment},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    return Played(done.returncode, done.stdout + done.stderr)


def program(folder: Path, name: str, text: str) -> Path:
    """A shell script that may be run."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def role_with(programs: Path, role: str, *, entry: str = "main", **variables: Any) -> list[dict[str, Any]]:
    """A playbook of one role on a host where `programs` are found first."""
    search = {"PATH": f"{programs}:/usr/sbin:/usr/bin:/sbin:/bin"}
    use = {"ansible.builtin.import_role": {"name": role, "tasks_from": entry}}
    return [{"hosts": "all", "gather_facts": False, "environment": search, "vars": variables, "tasks": [use]}]
