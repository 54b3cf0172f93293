"""Commands that say which dashboards there are: login, logout, dashboards."""

from __future__ import annotations

import sys
from urllib.parse import urlsplit

import click

from selfservice.client.options import as_json


@click.command()
@click.argument("url")
@click.option("--name", default="", help="What to call it here; its host name where you leave that out.")
@click.option("--ca-file", type=click.Path(exists=True, dir_okay=False, resolve_path=True),
              help="Private CA (PEM) by which its certificate is checked.")  # fmt: skip
def login(url: str, name: str, ca_file: str | None) -> None:
    """Log in to the dashboard at URL with a token.

    The token is asked for, or read from standard input; it is checked, and kept for you alone. The dashboard becomes
    the one that all commands use.
    """
    from selfservice.client.connection import Connection, Refused
    from selfservice.client.dashboards import Dashboard, Dashboards, checked_token, checked_url

    url = checked_url(url)
    dashboards = Dashboards()
    text = click.prompt("Token", hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.readline()
    dashboard = Dashboard(name or urlsplit(url).hostname or url, url, checked_token(text), ca_file or "")
    if "openapi" not in Connection(dashboard).get("/openapi.json"):
        raise Refused(f"{url} is no dashboard of Selfservice.")
    dashboards.keep(dashboard)
    click.echo(f"Logged in to {url} as “{dashboard.name}”.")


@click.command()
@click.argument("name", default="")
def logout(name: str) -> None:
    """Forget the token of a dashboard.

    Of the dashboard NAME, or of the current one.
    """
    from selfservice.client.dashboards import Dashboards

    dashboards = Dashboards()
    name = name or dashboards.current
    dashboards.forget(name)
    click.echo(f"The token of “{name}” is forgotten here; it stays good until it is revoked on the dashboard.")


@click.command("dashboards")
@as_json
def list_dashboards(as_json: bool) -> None:
    """List the dashboards you logged in to."""
    from selfservice.client.dashboards import Dashboards
    from selfservice.client.tables import Column, show

    dashboards = Dashboards()
    rows = [
        {"name": each.name, "url": each.url, "current": each.name == dashboards.current} for each in dashboards.all()
    ]
    columns = (
        Column("NAME", lambda row: row["name"]),
        Column("ADDRESS", lambda row: row["url"]),
        Column("CURRENT", lambda row: "yes" if row["current"] else ""),
    )
    show({"dashboards": rows}, rows, columns, as_json=as_json)


COMMANDS = (login, logout, list_dashboards)
