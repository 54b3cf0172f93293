"""Runs from a terminal on the pages."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from selfservice.audit.actions import Actor
from selfservice.runs.folder import RunFolder
from selfservice.runs.run import Run, RunKind, RunRequest, State, Status
from selfservice.settings import Settings
from selfservice.store import files

RUN_ID = "20261120T201455-7f3a9c"


@pytest.fixture
def folder(settings: Settings) -> RunFolder:
    """What alice typed in a terminal, done."""
    request = RunRequest(RunKind.PLAYBOOK, "all", ("master",), playbook="hello.yml", operation="hello", label="Greet")
    run = Run(RUN_ID, request, Actor("alice", "terminal", "192.0.2.7"), "2026-11-20T20:14:55+00:00", "master")
    RunFolder.prepare(settings.artifacts, run, Status(State.SUCCESSFUL, ended_at="2026-11-20T20:15:00+00:00", rc=0))
    made = RunFolder.publish(settings.artifacts, run.id)
    files.write_json(made.command, {"command": ["ansible-playbook", "hello.yml", "--tags", "a b"], "cwd": "/"})
    return made


def test_list_and_page_say_who_and_that_it_was_in_a_terminal(signed_in: FlaskClient, folder: RunFolder) -> None:
    for path in ("/runs", f"/runs/{RUN_ID}"):
        page = signed_in.get(path).get_data(as_text=True)
        assert "alice" in page
        assert "in a terminal" in page
    assert "from 192.0.2.7" in page


def test_the_page_shows_the_command_line_that_was_typed(signed_in: FlaskClient, folder: RunFolder) -> None:
    assert "ansible-playbook hello.yml --tags &#39;a b&#39;" in signed_in.get(f"/runs/{RUN_ID}").get_data(as_text=True)


def test_it_is_not_repeated_without_its_options(
    signed_in: FlaskClient, folder: RunFolder, csrf_of: Callable[..., str]
) -> None:
    assert 'id="again"' not in signed_in.get(f"/runs/{RUN_ID}").get_data(as_text=True)
    answer = signed_in.post(f"/commands/again/{RUN_ID}", data={"csrf_token": csrf_of(signed_in)})
    assert answer.status_code == 422
    assert "started in a terminal" in answer.get_data(as_text=True)
