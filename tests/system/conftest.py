"""Real parts: sshd, an executor in a process of its own, a home for each test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from selfservice.audit.actions import Actor
from selfservice.audit.journal import Journal
from selfservice.nodes.inventory import Inventory
from selfservice.runs.executor_status import executor_alive
from selfservice.runs.launching import Launch
from selfservice.runs.run import Run, RunKind, RunRequest, State, Status
from selfservice.runs.runs import Runs
from selfservice.settings import CHECKOUT, Settings, environment_of, load
from tests.records import make_tables
from tests.system import sshd

ALICE = Actor("alice", "session", "127.0.0.1")


@pytest.fixture(scope="session")
def ssh_hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sshd.SshHosts]:
    """Two real SSH hosts, web-1 and web-2."""
    if sshd.SSHD is None:
        pytest.skip("needs an SSH server: apt-get install openssh-server")
    hosts, process = sshd.start(tmp_path_factory.mktemp("sshd"), ("web-1", "web-2"))
    yield hosts
    process.terminate()
    process.wait()


@dataclass
class Node:
    """A master's home with an executor that can be killed and started again."""

    settings: Settings
    extra_environment: dict[str, str] = field(default_factory=dict)
    executor: subprocess.Popen[bytes] | None = None

    @property
    def runs(self) -> Runs:
        return Runs(self.settings, Journal(self.settings.audit, self.settings.node_name))

    def start_executor(self) -> subprocess.Popen[bytes]:
        environment = {**os.environ, **environment_of(self.settings), **self.extra_environment}
        with (self.settings.home / "executor.log").open("ab") as log:
            self.executor = subprocess.Popen(
                [sys.executable, "run.py", "executor"], cwd=CHECKOUT, env=environment, stdout=log, stderr=log
            )
        process = self.executor
        wait_for(lambda: executor_alive(self.settings) or process.poll() is not None)
        return process

    def launch(self, command: str, hosts: str = "master", *, shell: bool = False, timeout: int = 0) -> Run:
        names = Inventory(self.settings.inventory).match(hosts)
        request = RunRequest(
            RunKind.COMMAND, hosts=hosts, host_names=names, command=command, shell=shell, timeout=timeout
        )
        return self.runs.launch(Launch(request, ALICE))

    def status(self, run: Run) -> Status:
        return self.runs.folder(run.id).status()

    def wait_for_state(self, run: Run, *states: State, seconds: float = 90) -> Status:
        wait_for(lambda: self.status(run).state in states, seconds)
        return self.status(run)

    def finish(self, run: Run) -> Status:
        wait_for(lambda: self.status(run).state.ended)
        return self.status(run)

    def output(self, run: Run) -> str:
        return self.runs.folder(run.id).stdout.read_text(errors="replace")

    def stop(self) -> None:
        if self.executor and self.executor.poll() is None:
            self.executor.terminate()
            self.executor.wait(60)


def wait_for(condition: Callable[[], object], seconds: float = 90) -> None:
    """Until the condition holds; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


@pytest.fixture
def make_node(tmp_path: Path) -> Iterator[Callable[..., Node]]:
    """Makes nodes; ends their executors and runs after the test."""
    nodes: list[Node] = []

    def make(inventory: str, home: Path = tmp_path, **settings: object) -> Node:
        for name in ("artifacts", "audit", "inventory", "instance/cache", "instance/private"):
            (home / name).mkdir(parents=True, exist_ok=True)
        (home / "inventory" / "hosts.yml").write_text(inventory)
        names = {f"SELFSERVICE_{name.upper()}": str(value) for name, value in settings.items()}
        node = Node(load({"SELFSERVICE_HOME": str(home), "SELFSERVICE_CANCEL_GRACE": "2", **names}))
        make_tables(node.settings)
        nodes.append(node)
        return node

    yield make
    for node in nodes:
        node.stop()
        for run_id in node.runs.index.running():
            status = node.runs.folder(run_id).status()
            if status.pid and status.state is State.RUNNING:
                os.kill(status.pid, signal.SIGKILL)


@pytest.fixture
def node(make_node: Callable[..., Node], ssh_hosts: sshd.SshHosts) -> Node:
    """A master with two SSH hosts, its executor at work."""
    made = make_node(ssh_hosts.inventory())
    made.start_executor()
    return made
