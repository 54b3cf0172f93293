"""Documentation that cannot rot: it names what the code has, and nothing else."""

from __future__ import annotations

import re
from dataclasses import fields

from selfservice.client import approve_commands, completion, list_commands, login, run_commands
from selfservice.client.following import EXIT_CODES
from selfservice.settings import CHECKOUT, ClientSettings, Settings

CLI = (CHECKOUT / "docs" / "cli.md").read_text(encoding="utf-8")
README = (CHECKOUT / "README.md").read_text(encoding="utf-8")


def test_the_readme_lists_every_setting_with_its_meaning() -> None:
    listed = re.findall(r"^\| `([A-Z_]+)` \| .+ \| (.+) \|$", README, re.MULTILINE)
    assert listed == [(each.metadata["name"], each.metadata["meaning"]) for each in fields(Settings)]


def test_every_make_target_the_readme_names_is_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*## ", (CHECKOUT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z]+)$", README, re.MULTILINE)) <= targets


def test_links_of_the_readme_lead_somewhere() -> None:
    for target in re.findall(r"\]\(((?!http)[^)]+)\)", README):
        assert (CHECKOUT / target).exists(), target


def test_the_page_of_the_command_line_lists_every_setting_of_the_client() -> None:
    listed = re.findall(r"^\| `([A-Z_]+)` \| (.+) \|$", CLI, re.MULTILINE)
    assert listed == [(each.metadata["name"], each.metadata["meaning"]) for each in fields(ClientSettings)]


def test_the_page_of_the_command_line_names_every_command_of_the_client_and_no_other() -> None:
    modules = (login, run_commands, approve_commands, list_commands)
    commands = [*(each for module in modules for each in module.COMMANDS), completion.completion]
    assert set(re.findall(r"selfservice ([a-z]+)", CLI)) == {command.name for command in commands}


def test_the_page_of_the_command_line_lists_every_exit_code() -> None:
    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", CLI, re.MULTILINE)}
    assert listed == {*EXIT_CODES.values(), 4, run_commands.ASKED}
