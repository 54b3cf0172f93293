"""The help page of the command line: every command stands in it once."""

from __future__ import annotations

from collections import Counter

import click
from click.testing import CliRunner

from selfservice.node.cli import cli
from selfservice.node.sections import Sections


def test_every_command_stands_in_one_section() -> None:
    assert isinstance(cli, Sections)
    named = Counter(name for names in cli.sections.values() for name in names)
    assert named == Counter(list(cli.commands))


def test_every_command_has_a_first_sentence_that_fits_a_line() -> None:
    page = CliRunner().invoke(cli, ["--help"]).output
    assert "..." not in page.partition("Options:")[2]


def test_every_group_lists_its_commands() -> None:
    for name, command in cli.commands.items():
        if isinstance(command, click.Group):
            assert command.commands, name
