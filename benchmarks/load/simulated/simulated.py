"""A connection to a host that is not there: what is asked of it succeeds after a while, and costs it nothing.

Ansible finds it as `ansible_connection: simulated` where ANSIBLE_CONNECTION_PLUGINS names this folder.
"""

from __future__ import annotations

import time
from typing import Any

from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = """
name: simulated
short_description: a host that is not there
description: Answers every module with the result of a command, after the time that a host would take.
options:
  seconds:
    description: How long a host takes to answer.
    type: float
    default: 0.05
    vars: [{name: simulated_seconds}]
"""
_ANSWER = b'{"changed": true, "rc": 0, "stdout": "active", "stderr": "", "cmd": ["systemctl", "is-active", "nginx"]}\n'


class Connection(ConnectionBase):
    """One host; with pipelining a module is one command."""

    transport = "simulated"
    has_pipelining = True

    def _connect(self) -> Connection:
        self._connected = True
        return self

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        """The answer of any module."""
        time.sleep(self.get_option("seconds"))
        return 0, _ANSWER, b""

    def put_file(self, in_path: str, out_path: str) -> None:
        """Take it, and forget it."""

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """There is nothing to fetch."""

    def close(self) -> None:
        """There is nothing to close."""

    def reset(self) -> Any:
        """There is nothing to begin anew."""
