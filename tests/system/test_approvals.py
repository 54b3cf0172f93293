"""Approvals on a whole master, from the command line: asked, approved, killed in between, and run once."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import requests

from tests.notifications.conftest import Receiver, receiver  # noqa: F401  # the webhook
from tests.operations.playbooks import Playbooks
from tests.system import master as masters
from tests.system.conftest import wait_for
from tests.system.master import Master
from tests.system.test_client import INVENTORY, Person

_TASKS = '- ansible.builtin.shell: {cmd: "echo {{ text }} >> {{ path }}"}'
_SPEC = "path: {type: path, required: true}\ntext: {type: str, default: Hello}"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    playbooks = Playbooks(tmp_path_factory.mktemp("playbooks"))
    playbooks.operation("add_line", _SPEC, "title: Add a line\napproval: true\nhosts: {default: master}\n", _TASKS)
    return {"SELFSERVICE_PLAYBOOKS": str(playbooks.folder), "SELFSERVICE_NOTIFY_PRIVATE": "1"}


@pytest.fixture
def master(tmp_path: Path, settings: dict[str, str]) -> Iterator[Master]:
    started = masters.start(tmp_path, INVENTORY, **settings)
    yield started
    started.stop()


def person(master: Master, name: str) -> Person:
    """Somebody with a token of their own, given by the environment as in CI."""
    if name != "admin":
        master.command("person", "add", name, "--role", "technical-agent")
    made = master.command("token", "create", "--name", "cli", "--scope", "launch", "--person", name)
    return Person(master.home / name, master, made.split()[-1])


def types(who: Person, *words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    return who.types(*words, typed=typed, SELFSERVICE_URL=who.master.url, SELFSERVICE_TOKEN=who.token)


def offered(who: Person, command: str) -> list[str]:
    """What the shell offers at Tab behind it."""
    return who.is_offered("run.py", command, "", SELFSERVICE_URL=who.master.url, SELFSERVICE_TOKEN=who.token)


def asked(who: Person, file: Path) -> str:
    """The number of what they ask for, once its preview is done."""
    done = types(who, "run", "add_line", "-e", f"path={file}")
    assert done.returncode == 3, done.stderr
    number = re.search(r"Request (\d+) waits for approval", done.stdout)
    assert number, done.stdout
    wait_for(lambda: '"successful"' in _preview(who.master, number[1]))
    return number[1]


def _preview(master: Master, number: str) -> str:
    preview = master.call("GET", f"/api/v1/requests/{number}").json()["preview"]
    return master.call("GET", f"/api/v1/runs/{preview}").text


def test_asked_and_approved_in_a_terminal(master: Master, receiver: Receiver, tmp_path: Path) -> None:  # noqa: F811
    alice, bob = person(master, "alice"), person(master, "bob")
    file = tmp_path / "lines"
    target = {"title": "Hook", "url": receiver.url, "events": ["approval:waiting", "approval:decided"]}
    master.call("POST", "/api/v1/notifications/targets", json=target).raise_for_status()
    number = asked(alice, file)
    assert "Add a line" in types(bob, "approve").stdout
    assert "Add a line" not in types(alice, "approve").stdout
    for command in ("approve", "reject"):
        assert offered(bob, command) == [number], "what waits for whoever types"
        assert offered(alice, command) == []
    own = types(alice, "approve", number, typed="y\n")
    assert (own.returncode, "Nobody approves their own request" in own.stderr) == (2, True)
    assert types(bob, "approve", number, typed="n\n").returncode == 1
    late = types(bob, "approve", number, "--yes", "--revision", "7")
    assert (late.returncode, "was changed since" in late.stderr) == (2, True)
    wait_for(lambda: [text for text in receiver.texts if "asked for by alice/cli, waits for you" in text])
    approved = types(bob, "approve", number, "--comment", "Go.", typed="y\n")
    assert approved.returncode == 0, approved.stderr
    assert f"path = {file}" in approved.stdout
    assert f"Request {number} is launched" in approved.stdout
    wait_for(file.exists)
    assert types(bob, "reject", number, "--comment", "Too late").returncode == 2


def kill(master: Master) -> None:
    """kill -9 of everything but runs, which owe nothing to the others."""
    supervisor = psutil.Process(master.process.pid)
    children = supervisor.children(recursive=True)
    for each in (supervisor, *children):
        with suppress(psutil.Error):  # it has ended meanwhile
            if "selfservice.runs.process" not in each.cmdline():
                each.send_signal(signal.SIGKILL)
    master.process.wait(20)


def test_killed_while_it_is_approved_it_runs_once(settings: dict[str, str], tmp_path: Path) -> None:
    master = masters.start(tmp_path, INVENTORY, **settings)
    try:
        file = tmp_path / "lines"
        bob = person(master, "bob")
        number = asked(person(master, "alice"), file)
        approving = {"json": {"revision": 1}, "headers": {"Authorization": f"Bearer {bob.token}"}}
        with suppress(requests.RequestException):
            requests.post(f"{master.url}/api/v1/requests/{number}/approve", timeout=0.01, **approving)
        kill(master)
        token, master = master.token, masters.start(tmp_path, **settings)
        master.token = token
        # It was either not approved yet, or is launched by itself.
        requests.post(f"{master.url}/api/v1/requests/{number}/approve", timeout=30, **approving)
        wait_for(lambda: master.call("GET", f"/api/v1/requests/{number}").json()["state"] == "launched")
        run = master.call("GET", f"/api/v1/requests/{number}").json()["run_id"]
        wait_for(lambda: master.call("GET", f"/api/v1/runs/{run}").json()["state"] == "successful")
        assert file.read_text() == "Hello\n"
        every = master.call("GET", "/api/v1/runs").json()["runs"]
        assert [row["id"] for row in every if not row["is_check"]] == [run]
    finally:
        if master.process.poll() is None:
            master.stop()
