"""A node whose project zebra has one of each kind of thing, and a cast of people with every access to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from selfservice.accounts.models import Person
from selfservice.accounts.people import standing_of
from selfservice.accounts.permissions import Permission
from selfservice.accounts.roles import Author
from selfservice.alerts.alerts import NewAlert
from selfservice.audit.actions import Actor
from selfservice.calls.call import CallKind, NewCall
from selfservice.commands.commands import Command
from selfservice.files.models import RepositoryKind
from selfservice.files.registry import Plan as RepositoryPlan
from selfservice.projects.access import Whom
from selfservice.projects.projects import Plan
from selfservice.schedules.schedules import Plan as SchedulePlan
from selfservice.schedules.times import Every, Timing
from selfservice.settings import Settings
from selfservice.web.services import Services
from tests.conftest import ADMIN_PASSWORD
from tests.operations.playbooks import Playbooks

ROOT = Actor("root", "terminal", "local")
ADMIN = Actor("admin", "session", "local")
AUTHOR = Author(ROOT, frozenset(Permission))
INVENTORY = """\
all:
  hosts:
    master: {ansible_connection: local}
    zebra-1: {ansible_connection: local}
    zebra-2: {ansible_connection: local}
    lion-1: {ansible_connection: local}
  children:
    zebras: {hosts: {zebra-1: {}, zebra-2: {}}}
    mixed: {hosts: {zebra-1: {}, master: {}}}
"""
#: Everybody whom the matrix asks: role, access to the project, manager.
CAST = {
    "charlie": ("technical-agent", "none", False),
    "erin": ("project-member", "none", False),
    "rita": ("project-member", "read", False),
    "wanda": ("project-member", "write", False),
    "adam": ("project-member", "admin", False),
    "manny": ("technical-agent", "none", True),
    "admin": ("administrator", "none", False),
}


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    (settings.inventory / "hosts.yml").write_text(INVENTORY, encoding="utf-8")
    playbooks = Playbooks(tmp_path / "playbooks")
    playbooks.operation("zebra_feed")
    playbooks.operation("everywhere")
    return replace(settings, playbooks=playbooks.folder, vault_keys=str(tmp_path / "keys" / "vault"))


@pytest.fixture
def services(app: APIFlask) -> Services:
    found: Services = app.extensions["selfservice"]
    return found


@dataclass(frozen=True)
class Zebra:
    """What there is of the project, by the ids that addresses have."""

    run: str
    schedule: int
    alert: int
    call: str


@pytest.fixture
def zebra(services: Services) -> Zebra:
    """The project, and one of each kind of thing in it."""
    services.projects.create(
        "zebra", Plan("Zebra", hosts=("zebras",), operations=("zebra_feed",), repositories=("zebra-files",)), ROOT
    )
    services.projects.create("lion", Plan("Lion", hosts=("lion-1",)), ROOT)
    services.repositories.create(RepositoryPlan("zebra-files", "Zebra files", RepositoryKind.LOCAL, "zebra.git"), ROOT)
    services.nodes.add("zebra-1", "https://zebra-1.example.org", ROOT)
    run = services.commands.launch(Command("echo zebra", "zebra-1"), ADMIN, may_become=True)
    boss = services.accounts.people.get("admin")
    plan = SchedulePlan("Zebra nightly", "zebra-2", Timing(Every.DAY, "UTC"), command="uptime")
    schedule = services.schedules.create(plan, Actor(boss.name, "session", "local"))
    alert = services.alerts.send(NewAlert("zebra-1 is down.", host="zebra-1"), ROOT)
    call = services.calls.send(NewCall(CallKind.TASK, ("zebra-1",), type="folder_size", params={"path": "/"}), ROOT)
    return Zebra(run.id, schedule, alert, call.id)


@pytest.fixture
def person(services: Services) -> Callable[[str], Person]:
    """Somebody of the cast."""

    def made(name: str) -> Person:
        role, access, manager = CAST[name]
        if name != "admin":
            services.accounts.create_person(name, ADMIN_PASSWORD, ROOT, role=role)
        someone = services.accounts.people.get(name)
        if manager:
            wanted = replace(standing_of(someone), is_manager=True)
            services.accounts.people.change(name, wanted, someone.version, AUTHOR)
        if access != "none":
            services.access.give(services.projects.get("zebra"), Whom("person", name), access, ROOT)
        return services.accounts.people.get(name)

    return made


@pytest.fixture
def as_person(
    app: APIFlask, person: Callable[[str], Person], sign_in: Callable[..., FlaskClient]
) -> Callable[[str], FlaskClient]:
    """Somebody of the cast, signed in."""

    def made(name: str) -> FlaskClient:
        person(name)
        return sign_in(app.test_client(), name, ADMIN_PASSWORD)

    return made
