"""What a process of this node listens on: opened before it, so that callers wait while one is started again."""

from __future__ import annotations

import socket

from selfservice import Role
from selfservice.settings import NodeType, SettingError, Settings

#: Callers that the system lets wait, as many as gunicorn would.
_BACKLOG = 2048


def listen(settings: Settings, role: Role) -> socket.socket:
    """Listen where the dashboard or the worker API of this node is found.

    Raises SettingError where that address cannot be had.
    """
    host, port, setting = _address(settings, role)
    opened = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind((host, port))
        opened.listen(_BACKLOG)
    except OSError as error:
        opened.close()
        raise SettingError(
            f"{host} port {port} cannot be listened on ({error.strerror}). End what listens there, or let {setting}"
            " name another port."
        ) from error
    return opened


def _address(settings: Settings, role: Role) -> tuple[str, int, str]:
    """Host, port, and the setting that the port comes from."""
    if role == "worker" and settings.node_type is NodeType.MASTER:
        # Only the master itself calls its own worker.
        return "127.0.0.1", settings.worker_port, "SELFSERVICE_WORKER_PORT"
    return settings.host.strip("[]"), settings.port, "SELFSERVICE_PORT"
