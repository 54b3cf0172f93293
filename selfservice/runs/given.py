"""What the process of a run is given beside its request: secrets and SSH settings, through memory alone.

The executor hands it over as the standard input of the process it starts; no file, argument or variable of any
environment ever holds it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class SshSettings:
    """How the hosts of a run are reached, where it is not as the inventory says; empty leaves that."""

    user: str = ""
    port: int | None = None
    #: The private key (OpenSSH or PEM), and what opens it.
    key: str = field(default="", repr=False)
    passphrase: str = field(default="", repr=False)
    public_key: str = ""
    #: `user@host:port` of a host in between.
    jump: str = ""
    #: Host keys that are known beside those of this machine, as known_hosts has them.
    known_hosts: str = ""
    #: Connections are shared by runs with the same settings alone: they have this name in common.
    share: str = ""


@dataclass(frozen=True)
class Given:
    """What one run is given."""

    #: Variables whose values are hidden in whatever is kept.
    secrets: Mapping[str, Any] = field(default_factory=dict, repr=False)
    ssh: SshSettings | None = None
    #: Why it cannot be given what it should be; the run ends with that.
    trouble: str = ""


NOTHING = Given()


def in_memory(given: Given) -> int:
    """A descriptor from which a child reads `given`: anonymous memory, gone with the last process that holds it."""
    content = json.dumps({"secrets": dict(given.secrets), "ssh": given.ssh and asdict(given.ssh), "why": given.trouble})
    descriptor = os.memfd_create("given", os.MFD_CLOEXEC)
    rest = content.encode()
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def take(descriptor: int = 0) -> Given:
    """What was handed over as the standard input, which is empty from now on."""
    with os.fdopen(os.dup(descriptor), "rb") as file:
        content = file.read()
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, descriptor)
    os.close(empty)
    if not content:
        return NOTHING
    value = json.loads(content)
    return Given(value["secrets"], SshSettings(**value["ssh"]) if value["ssh"] else None, value["why"])
