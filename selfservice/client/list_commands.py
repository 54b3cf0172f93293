"""Commands that list what a dashboard knows: runs, operations, nodes, actions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from selfservice.client.options import as_json, connection_to, which_dashboard, with_dashboard

if TYPE_CHECKING:
    from selfservice.client.connection import Connection

_STATES = ("queued", "running", "successful", "failed", "canceled", "timed_out", "lost")

_limit = click.option("--limit", default=50, show_default=True, type=click.IntRange(1), help="At most so many.")


@click.command("runs")
@click.option("--state", type=click.Choice(_STATES), help="Only those in it.")
@click.option("--search", default="", metavar="WORDS", help="Only those with it in title, hosts or person.")
@_limit
@as_json
@with_dashboard
def list_runs(connection: Connection, state: str | None, search: str, limit: int, as_json: bool) -> None:
    """List runs, newest first."""
    from selfservice.client.tables import Column, moment, show

    document = connection.pages("/runs", "runs", limit, state=state, q=search)
    columns = (
        Column("RUN", lambda row: row["id"]),
        Column("STATE", lambda row: row["state"]),
        Column("QUEUED", lambda row: moment(row["queued_at"])),
        Column("BY", lambda row: row["person"]),
        Column("WHAT", lambda row: row["title"]),
        Column("HOSTS", lambda row: row["hosts"]),
    )
    show(document, document["runs"], columns, as_json=as_json)


@click.command("operations")
@as_json
@with_dashboard
def list_operations(connection: Connection, as_json: bool) -> None:
    """List the operations you may run."""
    from selfservice.client.tables import Column, show

    document = connection.get("/operations")
    columns = (
        Column("OPERATION", lambda row: row["name"]),
        Column("CATEGORY", lambda row: row["category"]),
        Column("DOES", lambda row: row["description"] or row["title"]),
        Column("NOTE", lambda row: "" if row["launchable"] else "broken"),
    )
    show(document, document["operations"], columns, as_json=as_json)


@click.command("nodes")
@as_json
@with_dashboard
def list_nodes(connection: Connection, as_json: bool) -> None:
    """List nodes, and how they are."""
    from selfservice.client.tables import Column, moment, show

    health = {each["name"]: each for each in connection.get("/health")["nodes"]}
    nodes = [_with_health(node, health.get(node["name"])) for node in connection.get("/nodes")["nodes"]]
    columns = (
        Column("NODE", lambda row: row["name"]),
        Column("STATE", lambda row: "shut out" if row["revoked"] else row["state"]),
        Column("HEARD", lambda row: moment(row["heard_at"])),
        Column("ADDRESS", lambda row: row["address"]),
        Column("WHY", lambda row: " ".join(row["why"])),
    )
    show({"nodes": nodes}, nodes, columns, as_json=as_json)


@click.group(invoke_without_command=True)
@click.option("--since", default="", metavar="TIME", help="ISO 8601 date or time, UTC unless it says otherwise.")
@click.option("--until", default="", metavar="TIME", help="As --since; a date includes its whole day.")
@click.option("--person", default="", help="Only what this person or token did.")
@click.option("--kind", default="", help="Only these actions, such as run:launch.")
@click.option("--host", default="", help="Only what was done to this host.")
@click.option("--search", default="", metavar="WORDS", help="Only those with it anywhere in them.")
@_limit
@as_json
@which_dashboard
def audit(dashboard: str, search: str, limit: int, as_json: bool, **query: str) -> None:
    """List who did what, newest first."""
    if click.get_current_context().invoked_subcommand is not None:
        return
    from selfservice.client.tables import Column, moment, show

    document = connection_to(dashboard).pages("/actions", "actions", limit, q=search, **query)
    columns = (
        Column("TIME", lambda row: moment(row["time"])),
        Column("WHO", lambda row: row["actor"]["name"]),
        Column("ACTION", lambda row: row["kind"]),
        Column("TARGET", lambda row: row["target"]),
        Column("OUTCOME", lambda row: row["outcome"]),
    )
    show(document, document["actions"], columns, as_json=as_json)


COMMANDS = (list_runs, list_operations, list_nodes, audit)


def _with_health(node: dict[str, Any], health: dict[str, Any] | None) -> dict[str, Any]:
    unknown: dict[str, Any] = {"state": "unknown", "since": None, "why": [], "heard_at": None}
    return {**node, **(health or unknown)}
