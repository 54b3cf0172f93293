"""What the shell offers at Tab: names that the dashboard knows, and nothing where it does not answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click
from click.shell_completion import BashComplete, CompletionItem, FishComplete, ShellComplete, ZshComplete

from selfservice.client.options import connection_to
from selfservice.errors import ApplicationError

if TYPE_CHECKING:
    from selfservice.client.connection import Connection

#: A shell that waits at Tab seems broken.
_SECONDS = 3
_PROGRAM = "selfservice"
_SHELLS: dict[str, type[ShellComplete]] = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}

Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def _from_dashboard(offers: Callable[[Connection], Iterable[tuple[str, str]]]) -> Completer:
    def complete(context: click.Context, _: click.Parameter, begun: str) -> list[CompletionItem]:
        try:
            found = list(offers(connection_to(context.params.get("dashboard") or "", _SECONDS)))
        except ApplicationError:
            return []  # a sentence in the middle of a command line helps nobody
        return [CompletionItem(name, help=text) for name, text in found if name.startswith(begun)]

    return complete


@_from_dashboard
def operations(dashboard: Connection) -> Iterable[tuple[str, str]]:
    """Names of operations."""
    return ((each["name"], each["description"]) for each in dashboard.get("/operations")["operations"])


@_from_dashboard
def hosts(dashboard: Connection) -> Iterable[tuple[str, str]]:
    """Names of groups and hosts."""
    known = dashboard.get("/hosts")
    return [(each["name"], kind) for kind in ("groups", "hosts") for each in known[kind]]


@_from_dashboard
def runs(dashboard: Connection) -> Iterable[tuple[str, str]]:
    """Ids of the latest runs."""
    return ((each["id"], f"{each['state']}: {each['title']}") for each in dashboard.get("/runs")["runs"])


@_from_dashboard
def requests(dashboard: Connection) -> Iterable[tuple[str, str]]:
    """Numbers of the requests that wait for whoever asks."""
    waiting = dashboard.get("/requests", for_me="true")["requests"]
    return ((str(each["id"]), f"{each['asked_by']}: {each['title']}") for each in waiting)


@click.command()
@click.argument("shell", type=click.Choice(list(_SHELLS)))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the shell completion of `selfservice` for a SHELL."""
    click.echo(_SHELLS[shell](context.find_root().command, {}, _PROGRAM, f"_{_PROGRAM.upper()}_COMPLETE").source())
