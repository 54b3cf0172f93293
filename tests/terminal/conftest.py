"""ansible-playbook as a person types it in the checkout, with a home and playbooks of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from selfservice.runs.folder import RunFolder
from selfservice.runs.run import Run
from selfservice.settings import CHECKOUT
from tests.system.conftest import make_node

__all__ = ["make_node"]

INVENTORY = """\
all:
  hosts:
    master: {}
    other: {}
  vars:
    ansible_connection: local
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
"""


#: Another callback in place of the recorder: one for standard output, of which Ansible has one already.
RECORDER_OFF = {"ANSIBLE_CALLBACKS_ENABLED": "minimal"}


@dataclass
class Terminal:
    """A terminal in the checkout."""

    home: Path
    environment: dict[str, str] = field(default_factory=dict)
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def write(self, name: str, content: str) -> str:
        """Write a file below playbooks/; its path."""
        path = self.home / "playbooks" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return str(path)

    def start(self, *words: str, record: bool = True, **environment: str) -> subprocess.Popen[str]:
        """Start ansible-playbook in a session of its own."""
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name("ansible-playbook")), *words],
            cwd=CHECKOUT,
            env=self.environment | ({} if record else RECORDER_OFF) | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def run(self, *words: str, record: bool = True, **environment: str) -> tuple[int, str, str]:
        """Exit code, standard output and standard error."""
        process = self.start(*words, record=record, **environment)
        output, errors = process.communicate(timeout=60)
        return process.returncode, output, errors

    def folders(self) -> list[RunFolder]:
        """The recorded runs, oldest first."""
        artifacts = self.home / "artifacts"
        return [RunFolder(artifacts, path.name) for path in sorted(artifacts.glob("[0-9]*"))]

    def recorded(self) -> tuple[Run, RunFolder]:
        """The one run that was recorded."""
        (folder,) = self.folders()
        return folder.run(), folder


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """A terminal of a master that nobody has started yet."""
    for name in ("artifacts", "audit", "inventory", "instance/cache", "instance/private", "playbooks"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "inventory" / "hosts.yml").write_text(INVENTORY)
    passed = {name: value for name, value in os.environ.items() if not name.startswith(("SELFSERVICE_", "ANSIBLE_"))}
    made = Terminal(
        tmp_path,
        {
            **passed,
            "SELFSERVICE_HOME": str(tmp_path),
            "SELFSERVICE_PLAYBOOKS": str(tmp_path / "playbooks"),
            "ANSIBLE_INVENTORY": str(tmp_path / "inventory"),
            "ANSIBLE_HOME": str(tmp_path / "ansible"),
            "ANSIBLE_FORKS": "1",  # hosts in the same order each time
        },
    )
    yield made
    for process in made.started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe:
                pipe.close()
