"""`run.py secret …`: the key that seals the secrets of projects."""

from __future__ import annotations

import click

from selfservice.node.with_settings import with_settings
from selfservice.settings import Settings


@click.group()
def secret() -> None:
    """Look after the key that seals the secrets of projects."""


@secret.command()
@with_settings
def rotate(settings: Settings) -> None:
    """Seal all secrets and SSH keys of projects by a new key, and forget the old one."""
    from selfservice.node import people

    click.echo(people.rotate_key(settings))
