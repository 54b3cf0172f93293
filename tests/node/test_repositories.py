"""Repositories as somebody in a terminal of the node looks after them."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from selfservice.node.cli import cli
from selfservice.settings import Settings, environment_of

CLOUD = ["repository", "add", "--name", "cloud", "--title", "Cloud", "--kind", "cloud", "--location", "acme/x"]


@pytest.fixture
def terminal(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    for name, value in environment_of(settings).items():
        monkeypatch.setenv(name, value)
    return CliRunner()


def test_the_first_start_makes_the_example_and_it_answers(terminal: CliRunner) -> None:
    assert terminal.invoke(cli, ["repository", "list"]).output == "example\tlocal\t-\texample.git\n"
    checked = terminal.invoke(cli, ["repository", "check", "example"])
    assert (checked.exit_code, checked.output.startswith("works: Repository")) == (0, True)


def test_a_token_is_asked_for_and_never_printed(terminal: CliRunner) -> None:
    added = terminal.invoke(cli, [*CLOUD, "--address", "http://127.0.0.1:1"], input="ATCTT-secret\n")
    assert "FAILS: Repository (scope repository): " in added.output
    assert "ATCTT" not in added.output
    assert terminal.invoke(cli, ["repository", "check", "cloud"]).exit_code == 1
    assert "cloud\tcloud\thttp://127.0.0.1:1\tacme/x" in terminal.invoke(cli, ["repository", "list"]).output
