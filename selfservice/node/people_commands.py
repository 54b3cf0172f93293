"""`run.py person …` and `run.py token …`: who may come in."""

from __future__ import annotations

import click

from selfservice.node.with_settings import with_settings
from selfservice.settings import Settings


@click.group()
def person() -> None:
    """Look after the people who sign in."""


@person.command("add")
@click.argument("name")
@click.option("--role", required=True, help="administrator, technical-agent, sales-agent, viewer, or one of your own.")
@with_settings
def add_person(settings: Settings, name: str, role: str) -> None:
    """Add somebody, and print their first password: it is shown this once."""
    from selfservice.node import people

    click.echo(people.add(settings, name, role))


@person.command("list")
@with_settings
def list_people(settings: Settings) -> None:
    """Print everybody with their role."""
    from selfservice.node import people

    click.echo(people.listed(settings))


@person.command("role")
@click.argument("name")
@click.argument("role")
@with_settings
def give_role(settings: Settings, name: str, role: str) -> None:
    """Give somebody another role; their sessions end."""
    from selfservice.node import people

    click.echo(people.give_role(settings, name, role))


@click.group()
def token() -> None:
    """Make tokens for scripts and for `login`."""


@token.command("create")
@click.option("--name", required=True, help="What the token is for; its actions carry this name after the person's.")
@click.option("--scope", required=True, type=click.Choice(["read", "launch", "administer"]), help="How far it goes.")
@click.option("--person", default="admin", show_default=True, help="Whose rights it has.")
@click.option("--days", type=int, help="It opens nothing after that; without, it is good until it is revoked.")
@with_settings
def create_token(settings: Settings, name: str, scope: str, person: str, days: int | None) -> None:
    """Make a token for scripts and print it; it is stored hashed and never shown again."""
    from selfservice.node import people

    click.echo(people.create_token(settings, name, scope, person, days))


@token.command("list")
@with_settings
def list_tokens(settings: Settings) -> None:
    """Print every token with its scope, its end and its last use."""
    from selfservice.node import people

    click.echo(people.list_tokens(settings))


@token.command("revoke")
@click.argument("name")
@with_settings
def revoke_token(settings: Settings, name: str) -> None:
    """Close a token, such as alice/nightly, for good."""
    from selfservice.node import people

    click.echo(people.revoke_token(settings, name))


COMMANDS = (person, token)
