"""A real OpenSSH server for tests: own host key, own client key, one loopback address a host."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.ports import free_port

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


@dataclass(frozen=True)
class SshHosts:
    """A running server that answers on several loopback addresses, one for each host."""

    folder: Path
    port: int
    addresses: dict[str, str]

    def inventory(self, *, known: bool = True, key: str = "client_key") -> str:
        """An inventory of `master` and these hosts in the group `workers`."""
        known_hosts = "known_hosts" if known else "no_known_hosts"
        lines = [
            "all:",
            "  hosts:",
            "    master:",
            "      ansible_connection: local",
            '      ansible_python_interpreter: "{{ ansible_playbook_python }}"',
            "  children:",
            "    workers:",
            "      hosts:",
        ]
        for name, address in self.addresses.items():
            lines += [f"        {name}:", f"          ansible_host: {address}"]
        lines += [
            "      vars:",
            f"        ansible_port: {self.port}",
            f"        ansible_user: {getpass.getuser()}",
            f"        ansible_ssh_private_key_file: {self.folder / key}",
            f"        ansible_python_interpreter: {sys.executable}",
            "        ansible_ssh_common_args: >-",
            f"          -o UserKnownHostsFile={self.folder / known_hosts} -o GlobalKnownHostsFile=/dev/null",
            "          -o ControlPath=none -o ConnectTimeout=5",
        ]
        return "\n".join(lines) + "\n"


def start(folder: Path, names: tuple[str, ...]) -> tuple[SshHosts, subprocess.Popen[bytes]]:
    """Start the server for hosts `names`; returns when it answers."""
    port = free_port()
    addresses = {name: f"127.0.0.{number}" for number, name in enumerate(names, start=2)}
    for key in ("host_key", "client_key", "wrong_key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / key], check=True)
    (folder / "authorized_keys").write_text((folder / "client_key.pub").read_text())
    public = " ".join((folder / "host_key.pub").read_text().split()[:2])
    (folder / "known_hosts").write_text("".join(f"[{a}]:{port} {public}\n" for a in addresses.values()))
    (folder / "no_known_hosts").write_text("")
    listen = "\n".join(f"ListenAddress {address}" for address in addresses.values())
    (folder / "sshd_config").write_text(
        f"Port {port}\n{listen}\nHostKey {folder}/host_key\nAuthorizedKeysFile {folder}/authorized_keys\n"
        f"PidFile {folder}/sshd.pid\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n"
        "PermitRootLogin prohibit-password\nMaxStartups 100\nMaxSessions 100\nSubsystem sftp internal-sftp\n"
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    assert SSHD is not None
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([SSHD, "-D", "-e", "-f", folder / "sshd_config"], stderr=log)
    hosts = SshHosts(folder, port, addresses)
    _wait_until_it_answers(hosts, process)
    return hosts, process


def _wait_until_it_answers(hosts: SshHosts, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        assert process.poll() is None, (hosts.folder / "log").read_text()
        try:
            for address in hosts.addresses.values():
                socket.create_connection((address, hosts.port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise AssertionError("sshd does not answer")
