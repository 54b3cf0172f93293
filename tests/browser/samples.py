"""Hosts that answer, a host that does not, and a run of every kind on them."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from selfservice.settings import CHECKOUT
from tests.operations.playbooks import Playbooks
from tests.operations.sample import write_samples
from tests.ports import free_port
from tests.system import sshd
from tests.system.master import PASSWORD, Master

NAMES = ("web-1", "web-2")
#: Nothing listens there, so whoever connects is refused at once.
_DEAD_HOST = "        db-1:\n          ansible_host: 127.0.0.9\n"


def sample_playbooks(folder: Path) -> Path:
    """The playbooks of the program, and operations with every kind of field and mistake."""
    made = folder / "playbooks"
    shutil.copytree(CHECKOUT / "playbooks", made)
    write_samples(Playbooks(made))
    Playbooks(made).operation("leave_note", _NOTE, _NOTE_SIDECAR, _NOTE_TASKS)
    return made


_NOTE = """
path: {type: path, required: true, description: Where it is left.}
text: {type: str, default: Hello., description: What it says.}
password: {type: str, no_log: true, description: Not needed.}
"""
_NOTE_SIDECAR = """
title: Leave a note
category: Samples
icon: pencil
approval: {steps: [{title: Somebody who knows}, {title: Somebody in charge, roles: [administrator]}]}
"""
_NOTE_TASKS = '- ansible.builtin.copy: {content: "{{ text }}\\n", dest: "{{ path }}", mode: "0600"}'


def make_request(master: Master) -> int:
    """What somebody asks for, changed once, its preview done; its number."""
    values = {"path": "/tmp/note-of-a-test", "text": "Back in five minutes."}
    sent: dict[str, Any] = {"hosts": "master", "variables": values}
    asked = master.call("POST", "/api/v1/operations/leave_note/runs", json=sent)
    asked.raise_for_status()
    path = f"/api/v1/requests/{asked.json()['request']}"
    sent = {"revision": 1, "hosts": "master", "variables": {**values, "text": "Back in ten minutes.\nReally.\n"}}
    changed = master.call("PUT", path, json=sent)
    changed.raise_for_status()
    wait_for_state(master, changed.json()["preview"], "successful")
    return int(asked.json()["request"])


@contextmanager
def workers_and_a_dead_host(folder: Path) -> Iterator[str]:
    """The inventory of `NAMES`, which answer where an SSH server is installed, and db-1, which never does."""
    hosts, process = _hosts(folder)
    try:
        yield hosts.inventory().replace("      vars:\n", f"{_DEAD_HOST}      vars:\n")
    finally:
        if process:
            process.terminate()
            process.wait()


def _hosts(folder: Path) -> tuple[sshd.SshHosts, subprocess.Popen[bytes] | None]:
    if sshd.SSHD:
        return sshd.start(folder, NAMES)
    addresses = {name: f"127.0.0.{number}" for number, name in enumerate(NAMES, start=2)}
    return sshd.SshHosts(folder, free_port(), addresses), None


@dataclass(frozen=True)
class Samples:
    """The ids of the runs that pages are looked at with."""

    successful: str
    failed: str
    unreachable: str
    canceled: str
    running: str
    repeated: str
    #: A call to the master, which answers, and to a node that does not.
    call: str
    #: An edit with a commit and a mistake in a draft, and one whose file others changed meanwhile.
    edit: str
    contested: str
    #: What admin asks for.
    request: int = 0


def make_call(master: Master) -> str:
    """Add a worker that nobody has started, and send it and the master a task; the id of the call."""
    worker = {"name": "store-berlin-3", "address": "http://127.0.0.9:5001"}
    master.call("POST", "/api/v1/nodes", json=worker).raise_for_status()
    body = {"nodes": ["master", "store-berlin-3"], "type": "list_folder", "params": {"path": "/usr"}}
    answer = master.call("POST", "/api/v1/calls", json=body)
    answer.raise_for_status()
    call = str(answer.json()["id"])
    deadline = time.monotonic() + 90
    while not master.call("GET", f"/api/v1/calls/{call}").json()["ended"]:
        assert time.monotonic() < deadline, f"{call} has no answers"
        time.sleep(0.1)
    return call


def make_edits(master: Master) -> tuple[str, str]:
    """Two edits of admin in the repository of examples."""
    with requests.Session() as browser:
        sign_in = browser.get(f"{master.url}/sign-in", timeout=30).text
        form = {"csrf_token": csrf_in(sign_in), "name": "admin", "password": PASSWORD}
        page = browser.post(f"{master.url}/sign-in", data=form, timeout=30).text
        token = {"X-CSRFToken": re.search(r'name="csrf-token" content="([^"]+)"', page)[1]}  # type: ignore[index]

        def call(method: str, to: str, **sent: object) -> dict[str, Any]:
            answer = browser.request(method, f"{master.url}/api/v1{to}", json=sent, headers=token, timeout=30)
            answer.raise_for_status()
            return dict(answer.json())

        place = {"repository": "example", "branch": "main"}
        edit = f"/edits/{call('POST', '/edits', **place, path='group_vars/web.yml')['id']}"
        call("PUT", f"{edit}/files", path="group_vars/web.yml", text="---\ngreeting: Ahoy\nhttp_port: 8080\n")
        call("POST", f"{edit}/commits", message="Ahoy")
        call("PUT", f"{edit}/files", path="new/list.yml", text="a: [1\n")
        contested = f"/edits/{call('POST', '/edits', **place, path='hosts.ini')['id']}"
        call("PUT", f"{contested}/files", path="hosts.ini", text="[web]\nweb-1 ansible_host=192.0.2.99\n")
    change_as_somebody_else(master, "hosts.ini", "[web]\nweb-1 ansible_host=192.0.2.77\n")
    return edit.rpartition("/")[2], contested.rpartition("/")[2]


def change_as_somebody_else(master: Master, path: str, text: str) -> None:
    """From the file to the merged change, by a program."""
    place = {"repository": "example", "branch": "main", "path": path}
    edit = master.call("POST", "/api/v1/edits", json=place).json()["id"]
    for method, what, sent in (
        ("PUT", "files", {"path": path, "text": text}),
        ("POST", "commits", {"message": "By somebody else"}),
        ("POST", "merge", {}),
    ):
        master.call(method, f"/api/v1/edits/{edit}/{what}", json=sent).raise_for_status()


def csrf_in(page: str) -> str:
    """The CSRF token of the form on a page."""
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert found
    return found[1]


def make_target(master: Master) -> None:
    """Where admin is told, and a test of it."""
    target = {"title": "On call", "url": "jsons://192.0.2.7/hook", "events": ["node:down", "run:failed"]}
    made = master.call("POST", "/api/v1/notifications/targets", json=target)
    made.raise_for_status()
    master.call("POST", f"/api/v1/notifications/targets/{made.json()['id']}/test").raise_for_status()


def make_records(master: Master) -> None:
    """A schedule that is the first one, and a blackout."""
    plan = {
        "title": "Nightly check of every web server",
        "hosts": "web-1,web-2",
        "operation": "health_check",
        "timing": {"every": "week", "zone": "Europe/Berlin", "at": "02:30", "days": [1, 2, 3, 4, 5]},
    }
    master.call("POST", "/api/v1/schedules", json=plan).raise_for_status()
    quiet = {"reason": "Weekly release", "weekday": 3, "at": "02:00", "minutes": 120, "zone": "Europe/Berlin"}
    master.call("POST", "/api/v1/blackouts", json=quiet).raise_for_status()
    make_project(master)


def make_project(master: Master) -> None:
    """A project of the host that never answers, a team with access to it, and a secret."""
    project = {"name": "shop", "title": "Shop of the north", "hosts": ["db-1"], "operations": ["deploy_*"]}
    described = {"description": "What the shop stands on. " * 3, "approval_steps": 1, "commands": "free"}
    team = {"description": "Who is awake", "members": ["admin"], "version": 1}
    key = {"user": "deploy", "jump": "deploy@gate.example.org", "version": 1}
    for method, path, sent in (
        ("POST", "/projects", {**project, **described}),
        ("POST", "/teams", {"name": "night-shift"}),
        ("PUT", "/teams/night-shift", team),
        ("PUT", "/projects/shop/access", {"kind": "team", "name": "night-shift", "level": "write"}),
        ("PUT", "/projects/shop/secrets/api_token", {"value": "not shown", "description": "For the payment service"}),
        ("PUT", "/projects/shop/ssh", key),
        ("POST", "/projects", {"name": "bank", "title": "Bank"}),
    ):
        master.call(method, f"/api/v1{path}", json=sent).raise_for_status()


@contextmanager
def sample_alerts(master: Master) -> Iterator[None]:
    """An alert of every kind for admin, for as long as this lasts."""
    sent = []
    for severity, message in (
        ("info", "The new office network is up."),
        ("success", "Backup of the customer database done."),
        ("warning", "Certificate of shop.example.org ends in six days. " + "Renew it before the weekend. " * 3),
        ("error", "Disk of web-2 is full: no backup was written tonight."),
    ):
        alert = {"message": message, "severity": severity, "to": ["admin"], "link": "/runs?state=failed"}
        answer = master.call("POST", "/api/v1/alerts", json=alert)
        answer.raise_for_status()
        sent.append(answer.json()["id"])
    try:
        yield
    finally:
        for alert_id in sent:
            master.call("DELETE", f"/api/v1/alerts/{alert_id}").raise_for_status()


def make_samples(master: Master) -> Samples:
    """Start a run of every kind; returns when each has the state it is a sample of."""
    successful = launch(master, "df -h /", "master,web-1,web-2")
    failed = launch(master, _FAILS_ON_WEB_2, "web-1,web-2", shell=True)
    unreachable = launch(master, "uptime", "workers")
    canceled = launch(master, _MASTER_IS_SLOW, "master,web-1", shell=True)
    running = launch(master, _MASTER_IS_SLOW, "master,web-1", shell=True)
    wait_for_output(master, canceled)
    master.call("POST", f"/api/v1/runs/{canceled}/cancel").raise_for_status()
    wait_for_state(master, successful, "successful")
    repeated = launch(master, "df -h /", "master,web-1,web-2")
    make_records(master)
    make_target(master)
    wait_for_output(master, running)
    for run, state in ((failed, "failed"), (unreachable, "failed"), (canceled, "canceled"), (repeated, "successful")):
        wait_for_state(master, run, state)
    runs = (successful, failed, unreachable, canceled, running, repeated)
    return Samples(*runs, make_call(master), *make_edits(master), request=make_request(master))


_FAILS_ON_WEB_2 = """\
printf '\\033[32mchecking\\033[0m the service\\n'
case "$SSH_CONNECTION" in *127.0.0.3*) echo 'nginx: not running' >&2; exit 3;; esac
printf '\\033[1;32mnginx: running\\033[0m\\n'"""


_MASTER_IS_SLOW = 'echo working; test -n "$SSH_CONNECTION" || sleep 3600'


def launch(master: Master, command: str, hosts: str, *, shell: bool = False) -> str:
    """Start a command through the API; the id of its run."""
    answer = master.call("POST", "/api/v1/commands", json={"command": command, "hosts": hosts, "shell": shell})
    answer.raise_for_status()
    return str(answer.json()["id"])


def wait_for_state(master: Master, run: str, state: str) -> None:
    """Until the run has that state; fails where it ends in another one."""
    deadline = time.monotonic() + 90
    while (now := master.call("GET", f"/api/v1/runs/{run}").json()["state"]) != state:
        assert now in ("queued", "running"), f"{run} is {now}, not {state}"
        assert time.monotonic() < deadline, f"{run} is still {now}"
        time.sleep(0.1)


def wait_for_output(master: Master, run: str) -> None:
    """Until there is something to read on the page of the run."""
    deadline = time.monotonic() + 90
    while not master.call("GET", f"/api/v1/runs/{run}/output").content:
        assert time.monotonic() < deadline, f"{run} wrote nothing"
        time.sleep(0.1)
