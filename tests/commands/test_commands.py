"""What may be typed as a command, and the run it becomes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from selfservice.audit.actions import Actor
from selfservice.commands.commands import Command
from selfservice.errors import BadInput, Forbidden
from selfservice.runs.run import Run

ALICE = Actor("alice", "session", "192.0.2.7")


def start(app: Flask, command: Command, *, may_become: bool = False) -> Run:
    run: Run = app.extensions["selfservice"].commands.launch(command, ALICE, may_become=may_become)
    return run


def test_a_command_becomes_a_queued_run_on_the_hosts_of_its_pattern(app: Flask) -> None:
    run = start(app, Command("df -h /", "all"))
    assert (run.request.command, run.request.hosts, run.request.host_names) == ("df -h /", "all", ("master",))
    assert app.extensions["selfservice"].runs.get(run.id)[1].state == "queued"


@pytest.mark.parametrize(
    "command, field, sentence",
    [
        (Command("", "all"), "command", "Type a command"),
        (Command("  ", "all"), "command", "Type a command"),
        (Command("echo 'x", "all"), "command", "not closed"),
        (Command("a\nb", "all"), "command", "need a shell"),
        (Command("a\0b", "all"), "command", "NUL"),
        (Command("x" * 9000, "all"), "command", "longer than"),
        (Command("df", ""), "hosts", "at least one"),
        (Command("df", "nowhere"), "hosts", "'nowhere'"),
    ],
)
def test_what_cannot_run_is_refused_beside_its_field(app: Flask, command: Command, field: str, sentence: str) -> None:
    with pytest.raises(BadInput) as caught:
        start(app, command)
    assert caught.value.field == field
    assert sentence in caught.value.sentence


def test_a_shell_takes_several_lines_and_open_ends(app: Flask) -> None:
    assert start(app, Command("for i in 1 2\ndo echo $i\ndone", "all", shell=True)).request.shell


def test_becoming_root_needs_the_right(app: Flask) -> None:
    with pytest.raises(Forbidden, match="command:become"):
        start(app, Command("id", "all", become=True))
    assert start(app, Command("id", "all", become=True), may_become=True).request.become


def test_the_page_starts_a_run_and_leads_to_it(signed_in: FlaskClient, csrf_of: Callable[..., str]) -> None:
    token = csrf_of(signed_in, "/commands")
    answer = signed_in.post("/commands", data={"csrf_token": token, "command": "df -h /", "hosts": "master"})
    assert answer.status_code == 303
    assert "df -h /" in signed_in.get(answer.location).text


def test_what_was_typed_is_kept_beside_what_is_wrong(signed_in: FlaskClient, csrf_of: Callable[..., str]) -> None:
    token = csrf_of(signed_in, "/commands")
    answer = signed_in.post("/commands", data={"csrf_token": token, "command": "df <b>", "hosts": "nowhere"})
    assert answer.status_code == 422
    assert "df &lt;b&gt;" in answer.text
    assert "No host or group is called" in answer.text


def test_nothing_starts_without_the_token_of_the_form(signed_in: FlaskClient) -> None:
    assert signed_in.post("/commands", data={"command": "df", "hosts": "master"}).status_code == 400


def test_the_api_answers_201_with_id_state_and_url(client: FlaskClient, make_token: Callable[..., str]) -> None:
    headers = {"Authorization": f"Bearer {make_token('scripts')}"}
    answer = client.post("/api/v1/commands", json={"command": "df -h /", "hosts": "all"}, headers=headers)
    assert answer.status_code == 201
    assert set(answer.json) == {"id", "state", "url"}
    assert client.get(answer.headers["Location"], headers=headers).json["actor"]["name"] == "admin/scripts"


@pytest.mark.parametrize(
    "body", [{}, {"command": "df"}, {"command": 5, "hosts": "all"}, {"command": "df", "hosts": []}]
)
def test_the_api_names_the_field_that_is_wrong(
    client: FlaskClient, make_token: Callable[..., str], body: dict[str, object]
) -> None:
    answer = client.post("/api/v1/commands", json=body, headers={"Authorization": f"Bearer {make_token()}"})
    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
    assert any(name in answer.json["detail"] for name in ("command", "hosts"))
