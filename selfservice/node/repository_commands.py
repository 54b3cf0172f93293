"""`run.py repository …`: where files come from."""

from __future__ import annotations

import sys
from typing import Any

import click

from selfservice.node.with_settings import with_settings
from selfservice.settings import Settings


@click.group()
def repository() -> None:
    """Register repositories that files come from, and check them."""


@repository.command("list")
@with_settings
def list_repositories(settings: Settings) -> None:
    """Print every registered repository; never a token."""
    from selfservice.node import repositories

    for line in repositories.list_repositories(settings):
        click.echo(line)


@repository.command("add")
@click.option("--name", required=True, help="Stands in addresses: small letters, digits and dashes.")
@click.option("--title", required=True, help="What people read.")
@click.option("--kind", type=click.Choice(["local", "cloud", "data_center"]), required=True)
@click.option("--location", required=True, help="workspace/repository, PROJECT/repository, or a folder's name.")
@click.option("--address", default="", help="The server of a Data Center.")
@click.option("--user", default="", help="The e-mail address of a Cloud API token.")
@click.option("--token-file", type=click.File(), help="Where the token stands; asked for where it is left out.")
@with_settings
def add_repository(settings: Settings, token_file: Any, kind: str, **plan: str) -> None:
    """Register a repository and say what works with its token."""
    from selfservice.files.models import RepositoryKind
    from selfservice.files.registry import Plan
    from selfservice.node import repositories

    token = token_file.read().strip() if token_file else ""
    if kind != "local" and not token:
        token = click.prompt("Token", hide_input=True)
    for line in repositories.add_repository(settings, Plan(kind=RepositoryKind(kind), token=token, **plan)):
        click.echo(line)


@repository.command("check")
@click.argument("name")
@with_settings
def check_repository(settings: Settings, name: str) -> None:
    """Try what the token of a repository allows; exits with 1 where something is missing."""
    from selfservice.node import repositories

    lines = repositories.check_repository(settings, name)
    for line in lines:
        click.echo(line)
    sys.exit(1 if any(line.startswith("FAILS") for line in lines) else 0)
