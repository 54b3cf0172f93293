"""Commands that look at requests for approval and decide them: approve, reject."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from selfservice.client.completion import requests
from selfservice.client.options import as_json, with_dashboard
from selfservice.errors import BadInput

if TYPE_CHECKING:
    from selfservice.client.connection import Connection

#: What `approve` ends with where somebody looked and did not approve.
NOT_APPROVED = 1


@click.command()
@click.argument("request", type=int, required=False, shell_complete=requests)
@click.option("--show", "only_show", is_flag=True, help="Only look at it.")
@click.option("--yes", is_flag=True, help="Approve it without being asked.")
@click.option("--revision", type=int, help="Only if this version of it is what is asked for; needed with --yes.")
@click.option("--comment", default="", metavar="TEXT", help="What to say with it.")
@click.option("--all", "everything", is_flag=True, help="Without REQUEST: list every request, not only those for you.")
@as_json
@with_dashboard
def approve(connection: Connection, request: int | None, only_show: bool, as_json: bool, **named: Any) -> None:
    """List the requests that wait for you, or approve one REQUEST.

    Shows what would run and asks. Ends with 0 where it is approved, 1 where you did not approve it, 2 where the
    dashboard refuses.
    """
    if request is None:
        _list(connection, everything=named["everything"], as_json=as_json)
        return
    found = connection.get(f"/requests/{request}")
    if only_show:
        _show(found, as_json=as_json)
        return
    if named["yes"] and named["revision"] is None:
        raise BadInput("With --yes say which version you have looked at: --revision N, as --show prints it.")
    if not named["yes"]:
        _show(found, as_json=False)
        if not found["can_decide"]:
            raise BadInput(found["why_not"])
        if not _confirmed(f"Approve version {found['revision']}?"):
            sys.exit(NOT_APPROVED)
    body = {"revision": named["revision"] or found["revision"], "comment": named["comment"]}
    _tell(connection, connection.post(f"/requests/{request}/approve", body), as_json=as_json)


@click.command()
@click.argument("request", type=int, shell_complete=requests)
@click.option("--comment", required=True, metavar="TEXT", help="Why; whoever asked reads it.")
@as_json
@with_dashboard
def reject(connection: Connection, request: int, comment: str, as_json: bool) -> None:
    """Reject a REQUEST."""
    found = connection.get(f"/requests/{request}")
    body = {"revision": found["revision"], "comment": comment}
    _tell(connection, connection.post(f"/requests/{request}/reject", body), as_json=as_json)


COMMANDS = (approve, reject)


def _list(connection: Connection, *, everything: bool, as_json: bool) -> None:
    from selfservice.client.tables import Column, moment, show

    document = connection.get("/requests", for_me="" if everything else "true", limit=500)
    columns = (
        Column("REQUEST", lambda row: str(row["id"])),
        Column("STATE", lambda row: row["state"]),
        Column("STEP", lambda row: f"{row['step']} of {row['steps']}" if row["step"] else ""),
        Column("ASKED", lambda row: moment(row["asked_at"])),
        Column("BY", lambda row: row["asked_by"]),
        Column("WHAT", lambda row: row["title"]),
        Column("HOSTS", lambda row: row["hosts"]),
    )
    show(document, document["requests"], columns, as_json=as_json)


def _show(found: dict[str, Any], *, as_json: bool) -> None:
    from selfservice.client.tables import show
    from selfservice.runs.terminal_text import harmless

    if as_json:
        show(found, [], (), as_json=True)
        return
    for line in _lines(found):
        click.echo(harmless(line.replace("\n", " "), colours=False))


def _lines(found: dict[str, Any]) -> Iterator[str]:
    """What is to be known of a request before it is decided."""
    yield f"{found['title']}: {found['state']}, version {found['revision']}, asked for by {found['asked_by']}"
    yield f"  hosts     {', '.join(found['host_names'])}"
    if found["command"]:
        yield f"  command   {found['command']}{' (in a shell)' if found['shell'] else ''}"
    if found["become"]:
        yield "  as        root"
    for name, value in found["variables"].items():
        yield f"  variable  {name} = {value}"
    for name in found["secret_names"]:
        yield f"  variable  {name} is a secret"
    for each in found["changed"]:
        yield f"  changed   {each['name']}: {each['old']} → {each['new']}"
    if found["preview"]:
        what = " (each host is tried, the command is not run)" if found["command"] else ""
        yield f"  preview   selfservice logs {found['preview']}{what}"
    for number, step in enumerate(found["approvals"], start=1):
        who = " or ".join([*step["people"], *step["roles"]]) or "anybody else who may run it"
        by = f"approved by {step['approved_by']}" if step["approved_by"] else f"by {who}"
        yield f"  step {number}    {step['title'] + ': ' if step['title'] else ''}{by}"
    if found["why"]:
        yield f"  why       {found['why']}"


def _confirmed(question: str) -> bool:
    click.echo(f"{question} [y/N]: ", nl=False, err=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _tell(connection: Connection, found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        _show(found, as_json=True)
        return
    words = f"Request {found['id']} is {found['state']}"
    if found["state"] == "launched":
        words += f": run {found['run_id']}, {connection.dashboard.url}/runs/{found['run_id']}"
    elif found["state"] == "waiting":
        words = f"Approved; step {found['step']} of {found['steps']} of request {found['id']} is next"
    click.echo(f"{words}.")
