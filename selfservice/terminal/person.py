"""Who sits at a terminal of this node, and where from."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping

from selfservice.audit.actions import Actor


def actor(environment: Mapping[str, str] | None = None) -> Actor:
    """The person at this terminal: the one who signed in, also where sudo made somebody else of them."""
    environment = os.environ if environment is None else environment
    client = environment.get("SSH_CLIENT", "").split()
    return Actor(environment.get("SUDO_USER") or _login_name(), "terminal", client[0] if client else "local")


def _login_name() -> str:
    try:
        return os.getlogin()
    except OSError:  # no terminal: cron, a service
        pass
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"user {os.getuid()}"
