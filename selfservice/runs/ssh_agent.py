"""An SSH agent for one run: it alone holds the private key, in memory, for as long as the run lasts."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from selfservice.errors import ApplicationError
from selfservice.runs.given import SshSettings

_SOCKET = re.compile(r"SSH_AUTH_SOCK=([^;]+);")
_JUMP = re.compile(r"(?:(?P<user>[\w.-]+)@)?(?P<host>[A-Za-z0-9][\w.-]*|\[[0-9A-Fa-f:]+\])(?::(?P<port>\d{1,5}))?\Z")
_SECONDS = 10
#: Found where ssh itself is found.
_AGENT = ("ssh-agent", "-D", "-s")
_ADD = ("ssh-add", "-q", "-")


class KeyUnusable(ApplicationError):
    """A private key cannot be used."""

    status = 422
    problem_type = "key-unusable"
    title = "This key cannot be used"


@dataclass(frozen=True)
class Reach:
    """What makes Ansible reach its hosts so: variables for all hosts, and of the environment."""

    variables: dict[str, Any]
    environment: dict[str, str]


@dataclass(frozen=True)
class Jump:
    """A host in between."""

    user: str
    host: str
    port: str

    @classmethod
    def of(cls, text: str) -> Jump | None:
        """What `user@host:port` says; None where it says nothing of the kind."""
        found = _JUMP.match(text)
        if not found or not 0 < int(found["port"] or 22) < 65536:
            return None
        return cls(found["user"] or "", found["host"].strip("[]"), found["port"] or "")


def opened(key: str, passphrase: str) -> tuple[str, str]:
    """The private key without its passphrase, and its public half. Raises KeyUnusable."""
    content = key.strip().encode() + b"\n"
    secret = passphrase.encode() or None
    try:
        if b"BEGIN OPENSSH" in content:
            loaded: Any = serialization.load_ssh_private_key(content, secret)
        else:
            loaded = serialization.load_pem_private_key(content, secret)
        private = loaded.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        )
        public = loaded.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        # What the library says may quote the key.
        what = "the passphrase does not open it, or it" if passphrase else "it needs a passphrase, or"
        raise KeyUnusable(f"The private key cannot be used: {what} is no private key that OpenSSH knows.") from error
    return private.decode(), public.decode()


@contextmanager
def reaching(ssh: SshSettings, private: Path, control_paths: Path) -> Iterator[Reach]:
    """While this lasts, hosts are reached so; `private` is the run's own folder. Raises KeyUnusable, OSError."""
    variables: dict[str, Any] = {}
    if ssh.user:
        variables["ansible_user"] = ssh.user
    if ssh.port:
        variables["ansible_port"] = ssh.port
    options = ["ControlMaster=auto", "ControlPersist=60s"]
    environment = {"ANSIBLE_SSH_CONTROL_PATH_DIR": str(control_paths / ssh.share)}
    identity: list[str] = []
    if ssh.known_hosts:
        known_hosts = private / "known_hosts"
        known_hosts.write_text(ssh.known_hosts.strip() + "\n", encoding="utf-8")
        identity.append(f"GlobalKnownHostsFile={known_hosts} /etc/ssh/ssh_known_hosts")
    agent = None
    try:
        if ssh.key:
            key, public = opened(ssh.key, ssh.passphrase)
            agent, socket = _agent(key)
            environment["SSH_AUTH_SOCK"] = socket
            # The public half names the key that the agent is to sign with; other keys of this user are not tried.
            (private / "key.pub").write_text(public + "\n", encoding="utf-8")
            variables["ansible_ssh_private_key_file"] = str(private / "key.pub")
            identity += ["IdentitiesOnly=yes", f"IdentityAgent={socket}"]
        if ssh.jump:
            options.append(f"ProxyCommand={_proxy_command(ssh, private, identity)}")
        environment["ANSIBLE_SSH_ARGS"] = shlex.join(_switches([*options, *identity]))
        yield Reach(variables, environment)
    finally:
        if agent is not None:
            agent.terminate()
            agent.wait(_SECONDS)


def _agent(key: str) -> tuple[subprocess.Popen[str], str]:
    """A running agent that holds the key, and its socket."""
    agent = subprocess.Popen(_AGENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    assert agent.stdout is not None  # noqa: S101  # for mypy
    found = _SOCKET.search(agent.stdout.readline())
    if not found:
        agent.kill()
        raise KeyUnusable("The SSH agent for this run did not start; is ssh-agent installed?")
    added = subprocess.run(
        _ADD,
        input=key,
        text=True,
        capture_output=True,
        env={"SSH_AUTH_SOCK": found[1], "PATH": "/usr/local/bin:/usr/bin:/bin"},
        timeout=_SECONDS,
    )
    if added.returncode:
        agent.kill()
        raise KeyUnusable("The SSH agent of this machine does not take the private key of the project.")
    return agent, found[1]


def _proxy_command(ssh: SshSettings, private: Path, identity: list[str]) -> str:
    jump = Jump.of(ssh.jump)
    if jump is None:
        raise KeyUnusable(f"{ssh.jump[:80]!r} is no jump host; say it as user@host:port.")
    words = ["ssh", "-q", *_switches(["BatchMode=yes", *identity])]
    if ssh.key:
        words += ["-i", str(private / "key.pub")]
    if jump.port:
        words += ["-p", jump.port]
    user = jump.user or ssh.user
    command = shlex.join([*words, f"{user}@{jump.host}" if user else jump.host])
    return f"{command.replace('%', '%%')} -W [%h]:%p"


def _switches(options: list[str]) -> list[str]:
    return [word for option in options for word in ("-o", option)]
