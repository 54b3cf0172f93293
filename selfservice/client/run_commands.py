"""Commands that start, follow and cancel runs: run, command, logs, cancel."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from selfservice.client.completion import hosts, operations, runs
from selfservice.client.options import with_dashboard
from selfservice.errors import BadInput

if TYPE_CHECKING:
    from selfservice.client.connection import Connection

_LEFT = 130
#: What `run` ends with where the operation needs approval and was asked for; docs/cli.md tells people.
ASKED = 3

_project_help = "Where the hosts are in several projects: which."
_hosts_help = "Ansible host pattern, such as web-1 or workers:!web-2."
_no_wait = click.option("--no-wait", is_flag=True, help="Start it, print the id of the run, and end.")


@click.command("run")
@click.argument("operation", shell_complete=operations)
@click.option("--hosts", metavar="PATTERN", shell_complete=hosts, help=f"{_hosts_help} The operation may have its own.")
@click.option("--project", default="", help=_project_help)
@click.option("-e", "--extra-vars", "variables", multiple=True, metavar="NAME=VALUE",
              help="A variable; or JSON, or @FILE with JSON. May be repeated.")  # fmt: skip
@click.option("--check", is_flag=True, help="Only say what would change.")
@click.option("--force", is_flag=True, help="Start it although the same is running.")
@_no_wait
@with_dashboard
def run_operation(
    connection: Connection, operation: str, hosts: str | None, variables: tuple[str, ...], no_wait: bool, **flags: Any
) -> None:
    """Run an OPERATION on hosts, and show it live.

    Ends with 0 where it was successful, 2 failed, 4 hosts unreachable, 124 timed out, 130 canceled, 1 lost;
    3 where it needs approval and was asked for.
    """
    path = f"/operations/{_part(operation)}"
    if hosts is None:
        hosts = connection.get(path)["hosts"]["default"]
        if not hosts:
            raise BadInput(f"Say on which hosts {operation} shall run: --hosts PATTERN.")
    body = {"hosts": hosts, "variables": _variables(variables), **flags}
    _started(connection, connection.launch(f"{path}/runs", body), no_wait=no_wait)


@click.command("command")
@click.argument("command")
@click.option("--hosts", required=True, metavar="PATTERN", shell_complete=hosts, help=_hosts_help)
@click.option("--project", default="", help=_project_help)
@click.option("--shell", is_flag=True, help="Run it in a shell: pipes, variables, several lines.")
@click.option("--become", is_flag=True, help="Run it as root.")
@_no_wait
@with_dashboard
def run_command(connection: Connection, command: str, hosts: str, no_wait: bool, **flags: Any) -> None:
    """Run a COMMAND on hosts, and show it live.

    One argument, such as "df -h /". Ends as `run` does.
    """
    body = {"command": command, "hosts": hosts, **flags}
    _started(connection, connection.launch("/commands", body), no_wait=no_wait)


@click.command()
@click.argument("run", shell_complete=runs)
@click.option("-f", "--follow", is_flag=True, help="Go on until the run ends, and end with its exit code.")
@with_dashboard
def logs(connection: Connection, run: str, follow: bool) -> None:
    """Show the output of a RUN."""
    if follow:
        _follow(connection, _part(run), may_cancel=False)
    from selfservice.client.following import Follower
    from selfservice.client.interrupts import Interrupts
    from selfservice.client.screen import Screen

    screen = Screen()
    Follower(connection, _part(run), screen, Interrupts()).show()
    screen.finish()


@click.command()
@click.argument("run", shell_complete=runs)
@with_dashboard
def cancel(connection: Connection, run: str) -> None:
    """Cancel a RUN."""
    connection.post(f"/runs/{_part(run)}/cancel", {})
    click.echo(f"Run {run} will be ended.")


COMMANDS = (run_operation, run_command, logs, cancel)


def _started(connection: Connection, launched: dict[str, Any], *, no_wait: bool) -> None:
    if "request" in launched:
        click.echo(f"Request {launched['request']} waits for approval: {connection.dashboard.url}{launched['url']}")
        sys.exit(ASKED)
    if no_wait:
        click.echo(launched["id"])
    else:
        _follow(connection, launched["id"], may_cancel=True)


def _follow(connection: Connection, run_id: str, *, may_cancel: bool) -> None:
    """Follow a run, and end this process with its exit code."""
    from selfservice.client.following import Follower, exit_code
    from selfservice.client.interrupts import Interrupts
    from selfservice.client.screen import Screen, say

    with Interrupts() as interrupts:
        follower = Follower(connection, run_id, Screen(), interrupts)
        try:
            try:
                say(f"Run {run_id}: {connection.dashboard.url}/runs/{run_id}")
                follower.go_on()
            except KeyboardInterrupt:
                if not (may_cancel and sys.stdin.isatty() and sys.stderr.isatty()):
                    raise
                _ask_to_cancel(connection, run_id)
                follower.go_on()
        except KeyboardInterrupt:
            say(f"\nThe run goes on; `selfservice logs -f {run_id}` follows it.")
            sys.exit(_LEFT)
    run = connection.get(f"/runs/{run_id}")
    say(_end(run))
    sys.exit(exit_code(run))


def _end(run: dict[str, Any]) -> str:
    """How it ended, in a sentence; that of a canceled run begins so itself."""
    if run["why"] and run["state"] == "canceled":
        return str(run["why"])
    state = run["state"].replace("_", " ").capitalize()
    return f"{state}: {run['why']}" if run["why"] else f"{state}."


def _ask_to_cancel(connection: Connection, run_id: str) -> None:
    from selfservice.client.connection import Refused
    from selfservice.client.screen import say

    click.echo("\nCancel the run? (Ctrl+C again leaves it running) [y/N]: ", nl=False, err=True)
    # Not click.confirm: input(), below it, loses a Ctrl+C that comes while it shows its prompt.
    if sys.stdin.readline().strip().lower() in {"y", "yes"}:
        try:
            connection.post(f"/runs/{run_id}/cancel", {})
        except Refused as error:  # it has ended meanwhile, or this token may not
            say(error.sentence)


def _variables(given: tuple[str, ...]) -> dict[str, Any]:
    """Variables as ansible-playbook takes them: name=value, JSON, or a file with JSON. Raises BadInput."""
    found: dict[str, Any] = {}
    for each in given:
        if each.startswith(("@", "{")):
            found |= _json_variables(each)
            continue
        name, equals, value = each.partition("=")
        if not (name and equals):
            raise BadInput(f"“{each}” is no variable; write name=value, JSON, or @file.")
        found[name] = value
    return found


def _json_variables(text: str) -> dict[str, Any]:
    try:
        value = json.loads(Path(text[1:]).read_text(encoding="utf-8") if text.startswith("@") else text)
    except (OSError, ValueError) as error:
        raise BadInput(f"The variables in “{text}” cannot be read: {error}.") from error
    if not isinstance(value, dict):
        raise BadInput(f"The variables in “{text}” are no JSON object.")
    return value


def _part(name: str) -> str:
    """A name as one part of a path, whatever was typed."""
    from urllib.parse import quote

    return quote(name, safe="")
