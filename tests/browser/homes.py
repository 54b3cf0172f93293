"""People of each role with something to do, so that the Home of each can be looked at."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import requests

from tests.browser.samples import launch, wait_for_state
from tests.operations.playbooks import Playbooks
from tests.system.master import Master

ROLES = {
    "toni": "technical-agent",
    "sally": "sales-agent",
    "victor": "viewer",
    "mia": "project-member",
}
_WHO = "category: Customers\nwho: {roles: [sales-agent, technical-agent]}\nhosts: {default: master}\n"
_COMMAND = "systemctl restart shop.service && journalctl -u shop.service --since -2min | tail -n 40"
_NAME = "\ncustomer: {type: str, required: true, description: As on the contract.}\n"


def add_sales_operations(folder: Path) -> None:
    """What sales agents may ask for, among the playbooks in `folder`."""
    playbooks = Playbooks(folder)
    texts = {
        "new_server": ("Ask for a new server", "hdd-stack", "For a customer who has signed: theirs the next day."),
        "demo_reset": ("Reset the demo shop", "arrow-counterclockwise", "Empties it before you show it."),
        "extend_trial": ("Extend a trial for a customer who needs more time", "calendar-plus", "By thirty days."),
    }
    for name, (title, icon, description) in texts.items():
        approval = "" if name == "demo_reset" else "approval: true\n"
        sidecar = f"title: {title}\nicon: {icon}\ndescription: '{description}'\n{_WHO}{approval}"
        playbooks.operation(name, _NAME, sidecar)


def add_people(master: Master) -> dict[str, str]:
    """The password of one person of each role; the project member is in the project shop."""
    made = {}
    for name, role in ROLES.items():
        said = master.command("person", "add", name, "--role", role)
        found = re.search(r"[Pp]assword[^\n]*?:\s*(\S+)|^(\S{12,})$", said, re.MULTILINE)
        assert found, said
        made[name] = found[1] or found[2]
    access: dict[str, Any] = {"kind": "person", "name": "mia", "level": "admin"}
    master.call("PUT", "/api/v1/projects/shop/access", json=access).raise_for_status()
    return made


def make_work(master: Master) -> int:
    """What each of them started or asked for; the number of a request for a command of the project."""
    toni, sally, mia = (_calls(master, name) for name in ("toni", "sally", "mia"))
    order = {"hosts": "master", "variables": {"customer": "Zoo & Sons"}}
    sally("/operations/new_server/runs", order)
    sally("/operations/extend_trial/runs", {**order, "variables": {"customer": "A customer with a long name " * 3}})
    sally("/operations/demo_reset/runs", order)
    asked = mia("/commands", {"command": _COMMAND, "hosts": "db-1", "shell": True})
    toni("/operations/health_check/runs", {"hosts": "master"})
    wait_for_state(master, launch(master, "true", "master"), "successful")
    return int(asked["request"])


def _calls(master: Master, name: str) -> Any:
    said = master.command("token", "create", "--name", "samples", "--scope", "launch", "--person", name)
    secret = said.strip().splitlines()[-1]

    def call(path: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {secret}"}
        answer = requests.post(f"{master.url}/api/v1{path}", json=body, headers=headers, timeout=30)
        answer.raise_for_status()
        return dict(answer.json())

    return call
