"""What every command of a node starts with: it is a node, and these are its settings."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from selfservice import logs
from selfservice import settings as settings_module
from selfservice.errors import ApplicationError
from selfservice.settings import CHECKOUT


class NoNode(ApplicationError):
    """This installation can use a dashboard, and cannot be a node."""


def with_settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """Hand the command the settings, with logging configured."""

    @wraps(command)
    def wrapped(*arguments: Any, **named: Any) -> Any:
        if not (CHECKOUT / "run.py").exists():
            raise NoNode("Only the client is installed here; a node runs in a clone of the whole program.")
        settings = settings_module.load()
        logs.configure(settings)
        return command(settings, *arguments, **named)

    return wrapped
