"""A project may hold back plain commands on its hosts, by whichever way they come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from selfservice.accounts.models import Person
from selfservice.approvals.difference import differences
from selfservice.approvals.models import Request, State
from selfservice.approvals.subjects import Wish
from selfservice.audit.actions import Actor
from selfservice.commands.commands import Command
from selfservice.errors import BadInput, ChangedMeanwhile, Forbidden
from selfservice.operations.operations import ApprovalNeeded
from selfservice.projects.access import Whom
from selfservice.projects.models import CommandRule
from selfservice.projects.projects import plan_of
from selfservice.runs.listing import RunQuery
from selfservice.runs.run import State as RunState
from selfservice.runs.run import Status
from selfservice.schedules.models import Schedule
from selfservice.schedules.schedules import Plan as SchedulePlan
from selfservice.schedules.ticker import Ticker
from selfservice.schedules.times import Every, Timing
from selfservice.web.services import Services
from tests.projects.conftest import ROOT, Zebra

COMMAND = Command("uptime", "zebra-1")
WANDA = Actor("wanda", "session", "local")


@pytest.fixture
def wanda(zebra: Zebra, person: Callable[[str], Person]) -> Person:
    """Somebody who may start things in the project."""
    return person("wanda")


@pytest.fixture
def settle(services: Services, zebra: Zebra) -> Callable[..., None]:
    """Say what becomes of commands in a project."""

    def settled(rule: str, steps: int = 0, project: str = "zebra") -> None:
        found = services.projects.get(project)
        plan = replace(plan_of(found), commands=rule, approval_steps=steps)
        services.projects.change(project, plan, found.version, ROOT)

    return settled


def seen_by(services: Services, person: Person) -> Services:
    return services.seen_by(services.sights.of(person))


def steps_needed(services: Services, person: Person, hosts: tuple[str, ...] = ("zebra-1",)) -> int:
    return len(seen_by(services, person).commands.approval_steps(hosts))


def ask(services: Services, wanda: Person, command: Command = COMMAND) -> Request:
    return seen_by(services, wanda).approvals.asking.ask_command(command, WANDA, wanda)


def end_preview(services: Services, asked: Request) -> None:
    services.runs.folder(asked.present.preview or "").write_status(Status(RunState.SUCCESSFUL))


@pytest.mark.parametrize(
    ("rule", "steps", "needed"),
    [("as-operations", 0, 0), ("as-operations", 2, 2), ("free", 2, 0), ("approval", 0, 1), ("approval", 3, 3)],
)
def test_a_command_needs_as_many_approvals_as_the_project_says(
    services: Services, wanda: Person, settle: Callable[..., None], rule: str, steps: int, needed: int
) -> None:
    settle(rule, steps)
    assert steps_needed(services, wanda) == needed


def test_where_commands_are_not_allowed_none_is_started_and_none_asked_for(
    services: Services, wanda: Person, settle: Callable[..., None]
) -> None:
    settle("refused")
    own = seen_by(services, wanda)
    with pytest.raises(Forbidden, match="project zebra"):
        own.commands.launch(COMMAND, WANDA, may_become=False)
    with pytest.raises(Forbidden):
        own.approvals.asking.ask_command(COMMAND, WANDA, wanda)


def test_a_host_of_two_projects_follows_the_stricter_one_and_a_hidden_one_is_not_named(
    services: Services, wanda: Person, settle: Callable[..., None]
) -> None:
    lion = services.projects.get("lion")
    services.projects.change("lion", replace(plan_of(lion), hosts=("zebra-1",)), lion.version, ROOT)
    settle("approval", project="lion")
    assert steps_needed(services, wanda) == 1
    settle("refused", project="lion")
    with pytest.raises(Forbidden) as refused:
        seen_by(services, wanda).commands.launch(COMMAND, WANDA, may_become=False)
    assert "lion" not in refused.value.sentence


def test_hosts_of_several_projects_at_once_are_no_way_around(
    services: Services, wanda: Person, settle: Callable[..., None]
) -> None:
    services.access.give(services.projects.get("lion"), Whom("person", "wanda"), "write", ROOT)
    settle("approval", project="lion")
    with pytest.raises(ApprovalNeeded):
        seen_by(services, wanda).commands.launch(Command("uptime", "zebra-1,lion-1"), WANDA, may_become=False)


def test_an_approved_command_runs_once_as_it_was_asked(
    services: Services, wanda: Person, person: Callable[[str], Person], settle: Callable[..., None]
) -> None:
    settle("approval")
    asked = ask(services, wanda)
    preview, _ = services.runs.get(asked.present.preview or "")
    assert (preview.request.check, preview.request.command, preview.approval) == (True, "uptime", str(asked.id))
    end_preview(services, asked)
    adam = person("adam")
    adams = seen_by(services, adam).approvals
    assert "own request" in seen_by(services, wanda).approvals.reading.why_not(asked, wanda)
    done = adams.deciding.approve(asked.id, 1, "", Actor("adam", "session", "local"), adam)
    again = services.approvals.reading.get(done.id, services.accounts.people.get("admin"))
    run, _ = services.runs.get(again.run_id or "")
    assert (State(again.state), run.request.command, run.request.check) == (State.LAUNCHED, "uptime", False)
    assert (run.request.project, run.actor.name) == ("zebra", "wanda")


def test_a_changed_command_begins_again_and_shows_the_difference(
    services: Services, wanda: Person, settle: Callable[..., None]
) -> None:
    settle("approval")
    asked = ask(services, wanda)
    asking = seen_by(services, wanda).approvals.asking
    changed = asking.change(asked.id, Wish(1, "zebra-1", command="uptime -p", shell=True), WANDA, wanda)
    told = [(each.name, each.old, each.new) for each in differences(*changed.revisions)]
    assert told == [("Command", "uptime", "uptime -p"), ("Shell", "no", "yes")]
    assert changed.title == "uptime -p"
    with pytest.raises(ChangedMeanwhile):
        asking.change(asked.id, Wish(1, "zebra-1", command="id"), WANDA, wanda)
    with pytest.raises(BadInput):
        asking.change(asked.id, Wish(2, "zebra-1", command=" "), WANDA, wanda)


def test_where_the_project_wants_more_people_since_it_is_asked_again(
    services: Services, wanda: Person, person: Callable[[str], Person], settle: Callable[..., None]
) -> None:
    settle("approval")
    asked = ask(services, wanda)
    end_preview(services, asked)
    settle("approval", 2)
    adam = person("adam")
    with pytest.raises(Exception, match="Other people"):
        seen_by(services, adam).approvals.deciding.approve(asked.id, 1, "", Actor("adam", "session", "local"), adam)


def test_the_page_and_the_api_lead_to_the_request(
    services: Services,
    settle: Callable[..., None],
    as_person: Callable[[str], FlaskClient],
    csrf_of: Callable[..., str],
    make_token: Callable[..., str],
) -> None:
    settle("approval")
    client = as_person("wanda")
    form = {"csrf_token": csrf_of(client), "hosts": "zebra-1", "command": "uptime", "key": "k"}
    answer = client.post("/commands", data=form)
    assert answer.headers["Location"].endswith("/requests/1")
    page = client.get("/requests/1").get_data(as_text=True)
    assert "Nobody can tell beforehand what a command does" in page
    assert 'value="uptime"' not in page
    assert ">uptime</textarea>" in client.get("/requests/1/change").get_data(as_text=True)
    token = {"Authorization": f"Bearer {make_token('ci', 'launch', 'wanda')}"}
    made = client.post("/api/v1/commands", json={"command": "id", "hosts": "zebra-1"}, headers=token)
    assert (made.status_code, made.json["request"]) == (202, 2)  # type: ignore[index]
    shown = client.get("/api/v1/requests/2", headers=token).json
    assert (shown["command"], shown["operation"]) == ("id", "")  # type: ignore[index]


def test_a_run_again_is_no_way_around(
    services: Services,
    zebra: Zebra,
    settle: Callable[..., None],
    as_person: Callable[[str], FlaskClient],
    csrf_of: Callable[..., str],
) -> None:
    settle("approval")
    client = as_person("wanda")
    before = services.runs.list(RunQuery()).total
    answer = client.post(f"/commands/again/{zebra.run}", data={"csrf_token": csrf_of(client)})
    assert answer.headers["Location"].endswith("/requests/1"), answer.get_data(as_text=True)
    previews = [row for row in services.runs.list(RunQuery()).runs if row.is_check]
    assert services.runs.list(RunQuery()).total == before + len(previews) == before + 1


def test_a_schedule_asks_once_while_its_request_waits(
    services: Services, wanda: Person, settle: Callable[..., None]
) -> None:
    settle("approval")
    plan = SchedulePlan("Uptime", "zebra-1", Timing(Every.CRON, "UTC", cron="0 * * * *"), command="uptime")
    number = seen_by(services, wanda).schedules.create(plan, WANDA)
    ticker = Ticker(
        services.database, services.schedules.launcher, services.runs, services.blackouts, lambda *_told: None
    )
    moment = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    for hour in (0, 1):
        due = moment + timedelta(hours=hour)
        with services.database.session() as session:
            statement = update(Schedule).where(Schedule.id == number)
            session.execute(statement.values(next_due_at=due, next_fire_at=due))
        ticker.tick(due)
    firings = services.schedules.firings(number)
    assert {(each.outcome, each.reason) for each in firings} == {
        ("asked", "It needs approval: request 1 waits for it.")
    }
    assert len(firings) == 2


def test_a_rule_that_is_none_is_refused(services: Services, settle: Callable[..., None]) -> None:
    with pytest.raises(BadInput, match=", ".join(CommandRule)):
        settle("sometimes")
