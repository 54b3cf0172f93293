"""Playbooks over SSH through the dashboard, without Mitogen and with it, against ansible-playbook typed by hand."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.one_task import by_hand, wait_for_end
from tests.system import master as masters
from tests.system import sshd
from tests.system.master import Master

PAIRS = 3
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
        ways: dict[str, Master] = {}
        try:
            for way in ("false", "true"):
                settings = {"SELFSERVICE_PLAYBOOKS": str(playbooks), "SELFSERVICE_MITOGEN": way}
                ways[way] = masters.start(_empty(folder / f"mitogen-{way}"), inventory, **settings)
            _wait_for_the_trial(ways["true"])
            for name, title in WORKS.items():
                _compare(
                    name, title, ways, lambda name=name: by_hand(playbooks / f"{name}.yml", folder / "inventory.yml")
                )
        finally:
            for started in ways.values():
                started.stop()


def _compare(name: str, title: str, ways: dict[str, Master], hand: Callable[[], float]) -> None:
    hand()
    for started in ways.values():
        _through_the_dashboard(started, name)  # the first of each opens its connections and is not counted
    rounds = [(hand(), *(_through_the_dashboard(each, name) for each in ways.values())) for _ in range(PAIRS)]
    print(f"{title}, median of {PAIRS} rounds")
    print(f"  ansible-playbook by hand        {statistics.median(each[0] for each in rounds):.2f} s")
    for place, label in enumerate(("dashboard", "dashboard with Mitogen"), 1):
        ratios = [each[place] / each[0] for each in rounds]
        took = statistics.median(each[place] for each in rounds)
        ratio = f"ratio {statistics.median(ratios):.2f}  ({min(ratios):.2f} to {max(ratios):.2f})"
        print(f"  {label:<30}  {took:.2f} s   {ratio}")


def _through_the_dashboard(master: Master, name: str) -> float:
    start = time.perf_counter()
    asked = master.call("POST", f"/api/v1/operations/{name}/runs", json={"hosts": "workers"})
    asked.raise_for_status()
    wait_for_end(master, asked.json()["id"])
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
