"""Home shows each person what is theirs, leads nowhere that is closed to them, and counts what they see alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from selfservice.accounts.builtin_roles import BUILTIN_ROLES
from selfservice.accounts.models import Person
from selfservice.commands.commands import Command
from selfservice.home import figures
from selfservice.operations.operations import Order
from selfservice.projects.access import Whom
from selfservice.schedules.models import Firing
from selfservice.settings import Settings
from selfservice.web.services import Services
from tests.conftest import ADMIN_PASSWORD
from tests.operations.playbooks import Playbooks
from tests.projects.conftest import ADMIN, AUTHOR, ROOT, Zebra, as_person, person, services, settings, zebra  # noqa: F401

_LINK = re.compile(r'<a [^>]*href="(/[^"#]*)')
SALES = "title: Ask for a server\ndescription: For a customer.\nwho: {roles: [sales-agent]}\n"


@pytest.fixture
def playbooks(settings: Settings) -> Playbooks:  # noqa: F811
    """With operations for sales agents."""
    made = Playbooks(settings.playbooks)
    made.operation("ask_for_server", "", f"{SALES}approval: true\n")
    made.operation("reset_demo", "", SALES.replace("Ask for a server", "Reset the demo"))
    made.operation("reboot_all", "", "title: Reboot all\napproval: true\n")
    return made


@pytest.fixture
def with_role(
    app: APIFlask,
    playbooks: Playbooks,
    services: Services,  # noqa: F811
    zebra: Zebra,  # noqa: F811
    sign_in: Callable[..., FlaskClient],
) -> Callable[[str], FlaskClient]:
    """Somebody with a role, signed in."""

    def made(role: str) -> FlaskClient:
        services.accounts.create_person("somebody", ADMIN_PASSWORD, ROOT, role=role)
        return sign_in(app.test_client(), "somebody")

    return made


def seen_by(services: Services, someone: Person) -> Services:  # noqa: F811
    return services.seen_by(services.sights.of(someone))


@pytest.mark.parametrize("role", [each.name for each in BUILTIN_ROLES])
def test_nothing_on_home_or_in_the_navigation_leads_to_a_closed_page(
    with_role: Callable[[str], FlaskClient],
    services: Services,  # noqa: F811
    role: str,
) -> None:
    client = with_role(role)
    if role == "project-member":
        services.access.give(services.projects.get("zebra"), Whom("person", "somebody"), "write", ROOT)
    pages = [client.get(path).get_data(as_text=True) for path in ("/", "/hosts", "/projects")]
    links = sorted({link for page in pages for link in _LINK.findall(page)})
    assert len(links) > 8
    answers = {link: client.get(link.replace("&amp;", "&")).status_code for link in links if "/static/" not in link}
    assert {link: status for link, status in answers.items() if status != 200} == {}


def test_a_role_of_ones_own_gets_a_home_too(
    services: Services,  # noqa: F811
    with_role: Callable[[str], FlaskClient],
) -> None:
    services.accounts.roles.create("clerk", "", ["operation:ask"], AUTHOR)
    page = with_role("clerk").get("/").get_data(as_text=True)
    assert re.findall(r'aria-labelledby="area-(\w+)"', page) == ["ask", "mine"]


def test_a_sales_agent_sees_what_they_may_ask_for_and_where_it_stands(
    with_role: Callable[[str], FlaskClient],
    services: Services,  # noqa: F811
    csrf_of: Callable[..., str],
) -> None:
    client = with_role("sales-agent")
    page = client.get("/").get_data(as_text=True)
    assert "Ask for a server" in page
    assert "Reboot all" not in page
    csrf = csrf_of(client)
    asked = client.post("/operations/ask_for_server", data={"csrf_token": csrf, "hosts": "master", "key": "a"})
    assert asked.headers["Location"].endswith("/requests/1")
    pressed = client.post("/operations/reset_demo", data={"csrf_token": csrf, "hosts": "master", "key": "b"})
    assert pressed.headers["Location"] == "/"
    assert client.post("/operations/reboot_all", data={"csrf_token": csrf, "hosts": "master"}).status_code == 404
    seen, somebody = services, services.accounts.people.get("somebody")
    rows = figures.my_requests(seen_by(seen, somebody), somebody)["rows"]
    assert [(row["title"], row["state"]) for row in rows] == [
        ("Reset the demo", "queued"),
        ("Ask for a server", "waiting"),
    ]


def test_a_sales_agent_speaks_about_their_own_request_and_decides_none(
    with_role: Callable[[str], FlaskClient],
    services: Services,  # noqa: F811
    csrf_of: Callable[..., str],
) -> None:
    client = with_role("sales-agent")
    csrf = csrf_of(client)
    client.post("/operations/ask_for_server", data={"csrf_token": csrf, "hosts": "master", "key": "a"})
    said = client.post("/requests/1/comments", data={"csrf_token": csrf, "comment": "For the zoo."})
    assert said.status_code == 303
    assert client.post("/requests/1/approve", data={"csrf_token": csrf, "revision": "1"}).status_code == 403
    assert client.post("/requests/1/withdraw", data={"csrf_token": csrf}).status_code == 303


def test_a_member_of_a_project_sees_figures_of_it_alone(
    services: Services,  # noqa: F811
    zebra: Zebra,  # noqa: F811
    person: Callable[[str], Person],  # noqa: F811
) -> None:
    for host in ("lion-1", "master"):
        services.commands.launch(Command("uptime", host), ADMIN, may_become=True)
    wanda = person("wanda")
    own = seen_by(services, wanda)
    assert figures.runs(services, services.accounts.people.get("admin"))["queued"] == 3
    assert figures.runs(own, wanda)["queued"] == 1
    (project,) = figures.projects(own, wanda)
    assert (project["project"].name, project["hosts"], project["counts"]["today"]) == ("zebra", 2, 1)
    assert [host.name for host in figures.hosts(own, wanda)["hosts"]] == ["zebra-1", "zebra-2"]
    erin = person("erin")
    assert figures.runs(seen_by(services, erin), erin)["queued"] == 0
    assert figures.projects(seen_by(services, erin), erin) is None


def test_an_operation_says_how_it_went_and_how_long_it_takes(
    services: Services,  # noqa: F811
    zebra: Zebra,  # noqa: F811
    person: Callable[[str], Person],  # noqa: F811
) -> None:
    admin = services.accounts.people.get("admin")
    run = services.operations.launch(Order("everywhere", "master"), ADMIN, admin)
    offered = figures.operations(services, admin)["offered"][0]
    assert (offered["operation"].name, offered["last"].id, offered["usual"]) == ("everywhere", run.id, None)


def test_oversight_counts_missed_times_of_a_day(
    services: Services,  # noqa: F811
    zebra: Zebra,  # noqa: F811
) -> None:
    admin = services.accounts.people.get("admin")
    now = datetime.now(UTC)
    with services.database.session() as session:
        for number, outcome in enumerate(("skipped", "refused", "launched")):
            due = now.replace(microsecond=number)
            session.add(Firing(schedule_id=zebra.schedule, due_at=due, decided_at=now, outcome=outcome))
        old = now.replace(year=now.year - 1)
        session.add(Firing(schedule_id=zebra.schedule, due_at=old, decided_at=old, outcome="skipped"))
    told = figures.oversight(services, admin)
    assert (told["missed"], told["people"], told["requests"], told["runs"]) == (2, 1, 0, 1)
    assert figures.schedules(services, admin)["missed_count"] == 2
