"""`run.py node …` and `run.py join`: workers and their master."""

from __future__ import annotations

import sys

import click

from selfservice.node.with_settings import with_settings
from selfservice.settings import Settings


@click.group()
def node() -> None:
    """Add workers to this master, shut them out, renew their tokens."""


@node.command("add")
@click.argument("name")
@click.option("--address", required=True, help="Where its API is: https://web-1.example.org:5001")
@with_settings
def add_node(settings: Settings, name: str, address: str) -> None:
    """Add a worker, and print its token: it is stored hashed and never shown again."""
    from selfservice.node import workers

    click.echo(workers.add_node(settings, name, address))


@node.command("list")
@with_settings
def list_nodes(settings: Settings) -> None:
    """Print every node with its address."""
    from selfservice.node import workers

    click.echo(workers.list_nodes(settings))


@node.command("token")
@click.argument("name")
@with_settings
def rotate_token(settings: Settings, name: str) -> None:
    """Make a new token for a worker and print it; the old one stays good for a day."""
    from selfservice.node import workers

    click.echo(workers.rotate_token(settings, name))


@node.command("revoke")
@click.argument("name")
@with_settings
def revoke_node(settings: Settings, name: str) -> None:
    """Shut a worker out at once; a new token lets it in again."""
    from selfservice.node import workers

    click.echo(workers.revoke_node(settings, name))


@click.command()
@click.argument("master_url")
@click.option("--name", required=True, help="What the master calls this node.")
@with_settings
def join(settings: Settings, master_url: str, name: str) -> None:
    """Make this machine a worker of a master.

    Asks for the token that the master has shown.
    """
    from selfservice.node import joining

    secret = click.prompt("Token", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline()
    click.echo(joining.join(settings, master_url, name, secret.strip()))


COMMANDS = (node, join)
