"""What commands that use a dashboard have in common: which one, and in which form they answer."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from selfservice.client.connection import Connection

Command = Callable[..., Any]

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
which_dashboard = click.option(
    "--dashboard", metavar="NAME", default="", help="Which dashboard, where you logged in to several."
)


def with_dashboard(command: Command) -> Command:
    """Give the command `--dashboard`, and as its first argument the connection to that one."""

    @which_dashboard
    @wraps(command)
    def wrapped(*arguments: Any, dashboard: str, **named: Any) -> Any:
        return command(connection_to(dashboard), *arguments, **named)

    return wrapped


def connection_to(name: str = "", seconds: float = 60) -> Connection:
    """The connection to the dashboard of that name, or to the usual one. Raises NotLoggedIn."""
    from selfservice.client.connection import Connection
    from selfservice.client.dashboards import Dashboards
    from selfservice.settings import load_client

    return Connection(Dashboards().chosen(load_client(), name), seconds)
