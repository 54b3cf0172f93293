"""A project may want that others agree to what runs in it, and those others are of the project."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from selfservice.accounts.models import Person
from selfservice.approvals.approvals import Approvals
from selfservice.approvals.errors import RequestNotFound
from selfservice.approvals.models import Request
from selfservice.audit.actions import Actor
from selfservice.operations.operations import ApprovalNeeded, Order
from selfservice.projects.projects import plan_of
from selfservice.web.services import Services
from tests.projects.conftest import ROOT, Zebra

ORDER = Order("zebra_feed", "zebra-1")


@pytest.fixture
def wanda(services: Services, zebra: Zebra, person: Callable[[str], Person]) -> Person:
    """Somebody who may start things in the project, which wants two approvals."""
    project = services.projects.get("zebra")
    services.projects.change("zebra", replace(plan_of(project), approval_steps=2), project.version, ROOT)
    return person("wanda")


@pytest.fixture
def asked(services: Services, wanda: Person) -> Request:
    return approvals_of(services, wanda).asking.ask(ORDER, Actor("wanda", "session", "local"), wanda)


def approvals_of(services: Services, person: Person) -> Approvals:
    return services.approvals.seen_by(services.sights.of(person))


def test_what_runs_in_the_project_is_asked_for(services: Services, wanda: Person, asked: Request) -> None:
    with pytest.raises(ApprovalNeeded):
        services.seen_by(services.sights.of(wanda)).operations.launch(ORDER, Actor("wanda", "session", "local"), wanda)
    assert len(asked.present.approvals_needed) == 2
    assert asked.present.run_request.project == "zebra"


def test_outside_of_the_project_it_runs_at_once(services: Services, wanda: Person) -> None:
    boss = services.accounts.people.get("admin")
    run = services.operations.launch(Order("everywhere", "master"), Actor("admin", "session", "local"), boss)
    assert run.request.project == ""


@pytest.mark.parametrize("name", ["charlie", "erin"])
def test_strangers_to_the_project_do_not_know_of_the_request(
    services: Services, asked: Request, person: Callable[[str], Person], name: str
) -> None:
    stranger = person(name)
    reading = approvals_of(services, stranger).reading
    with pytest.raises(RequestNotFound):
        reading.get(asked.id, stranger)
    assert reading.waiting_for(stranger) == []
    assert name not in services.approvals.reading.deciders(asked)


def test_who_may_only_look_decides_nothing_and_who_may_write_does(
    services: Services, asked: Request, person: Callable[[str], Person]
) -> None:
    rita, adam = person("rita"), person("adam")
    assert "write" in approvals_of(services, rita).reading.why_not(asked, rita)
    assert approvals_of(services, adam).reading.why_not(asked, adam) == ""
    deciders = services.approvals.reading.deciders(asked)
    assert ("rita" in deciders, "adam" in deciders) == (False, True)
