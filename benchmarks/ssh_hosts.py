"""Playbooks over SSH through the dashboard, without Mitogen and with it, against Ansible's own programs."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks import by_hand
from benchmarks.one_task import wait_for_end
from benchmarks.own_master import launch_operation, own_master
from benchmarks.rounds import compare
from tests.system import sshd
from tests.system.master import Master

ROUNDS = 3
HOSTS = 20
#: A server of OpenSSH listens on no more than 16 addresses.
_HOSTS_A_SERVER = 10

FIVE_TASKS = """\
- hosts: workers
  gather_facts: false
  tasks:
    - ansible.builtin.command: "true"
    - ansible.builtin.stat: {path: /etc/passwd}
    - ansible.builtin.copy: {content: "hello", dest: "{{ folder }}/{{ inventory_hostname }}", mode: "0600"}
    - ansible.builtin.lineinfile: {path: "{{ folder }}/{{ inventory_hostname }}", line: more}
    - ansible.builtin.file: {path: "{{ folder }}/{{ inventory_hostname }}", mode: "0644"}
"""
HUNDRED_TASKS = "- hosts: host-1\n  gather_facts: false\n  tasks:\n" + "".join(
    f"    - name: Task {number}\n      ansible.builtin.command: echo {number}\n" for number in range(100)
)
WORKS = {"five_tasks": f"5 tasks on {HOSTS} SSH hosts", "hundred_tasks": "100 tasks on one SSH host"}


def measure(folder: Path) -> None:
    """Print for each work the medians and ratios."""
    with _hosts(folder) as inventory:
        playbooks = _written(folder, inventory)
        settings = {"SELFSERVICE_PLAYBOOKS": str(playbooks)}
        with (
            own_master(folder / "plain", inventory, SELFSERVICE_MITOGEN="false", **settings) as plain,
            own_master(folder / "mitogen", inventory, SELFSERVICE_MITOGEN="true", **settings) as mitogen,
        ):
            _wait_for_the_trial(mitogen)
            for name, title in WORKS.items():
                by_us = {
                    "dashboard": partial(_by_dashboard, plain, name),
                    "dashboard with Mitogen": partial(_by_dashboard, mitogen, name),
                }
                ways = by_hand.ways(playbooks / f"{name}.yml", folder / "inventory.yml") | by_us
                compare(title, ways, ROUNDS)


def _by_dashboard(master: Master, name: str) -> float:
    start = time.perf_counter()
    wait_for_end(master, launch_operation(master, name, "workers"))
    return time.perf_counter() - start


def _wait_for_the_trial(master: Master) -> None:
    """Until the master knows that Mitogen works with this Ansible."""
    seen = master.home / "instance" / "cache" / "mitogen.json"
    deadline = time.monotonic() + 120
    while not seen.exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert json.loads(seen.read_text())["why"] == "", seen.read_text()


@contextmanager
def _hosts(folder: Path) -> Iterator[str]:
    """An inventory of so many hosts that answer by SSH."""
    servers: list[subprocess.Popen[bytes]] = []
    lines = ["all:", "  children:", "    workers:", "      hosts:"]
    try:
        for first in range(1, HOSTS + 1, _HOSTS_A_SERVER):
            names = tuple(f"host-{number}" for number in range(first, first + _HOSTS_A_SERVER))
            hosts, process = sshd.start(_empty(folder / f"sshd-{first}"), names)
            servers.append(process)
            for name, address in hosts.addresses.items():
                arguments = f"-o UserKnownHostsFile={hosts.folder}/known_hosts -o GlobalKnownHostsFile=/dev/null"
                lines += [
                    f"        {name}:",
                    f"          ansible_host: {address}",
                    f"          ansible_port: {hosts.port}",
                    f"          ansible_ssh_private_key_file: {hosts.folder}/client_key",
                    f"          ansible_ssh_common_args: {arguments}",
                ]
        lines += ["      vars:", f"        ansible_python_interpreter: {sys.executable}", f"        folder: {folder}"]
        yield "\n".join(lines) + "\n"
    finally:
        for process in servers:
            process.terminate()
            process.wait()


def _written(folder: Path, inventory: str) -> Path:
    playbooks = _empty(folder / "playbooks")
    (playbooks / "five_tasks.yml").write_text(FIVE_TASKS)
    (playbooks / "hundred_tasks.yml").write_text(HUNDRED_TASKS)
    (folder / "inventory.yml").write_text(inventory)
    return playbooks


def _empty(folder: Path) -> Path:
    folder.mkdir()
    return folder
