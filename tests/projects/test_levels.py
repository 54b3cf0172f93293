"""What may be done with the things of a project, by how far the access of a person goes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from selfservice.accounts.models import Person
from selfservice.accounts.tokens import Terms
from selfservice.audit.actions import Actor
from selfservice.errors import Forbidden
from selfservice.projects.access import Whom
from selfservice.projects.projects import Plan
from selfservice.runs.launching import Launch
from selfservice.runs.run import RunKind, RunRequest
from selfservice.scope import Level, Scope
from selfservice.web.services import Services
from tests.projects.conftest import CAST, ROOT, Zebra

#: The outcome of what changes something, by who asks: not there, seen but refused, done.
_GONE, _REFUSED, _DONE = "not there", "refused", "done"
_OUTCOMES = {
    "charlie": _GONE,
    "erin": _GONE,
    "rita": _REFUSED,
    "wanda": _DONE,
    "adam": _DONE,
    "manny": _DONE,
    "admin": _DONE,
}


def _outcome(status: int) -> str:
    return {404: _GONE, 422: _GONE, 403: _REFUSED}.get(status, _DONE if status < 400 else str(status))


@pytest.mark.parametrize("name", CAST)
def test_things_of_a_project_are_changed_by_those_who_may_write(
    name: str, zebra: Zebra, as_person: Callable[[str], FlaskClient], csrf_of: Callable[..., str]
) -> None:
    client = as_person(name)
    headers = {"X-CSRFToken": csrf_of(client)}

    def post(path: str, json: object = None, method: str = "POST") -> str:
        return _outcome(client.open(path, method=method, json=json, headers=headers).status_code)

    task = {"nodes": ["zebra-1"], "type": "folder_size", "params": {"path": "/"}}
    found = {
        "command": post("/api/v1/commands", {"command": "id", "hosts": "zebra-2"}),
        "operation": post("/api/v1/operations/zebra_feed/runs", {"hosts": "zebra-1"}),
        "keep": post(f"/api/v1/runs/{zebra.run}/keep", {}, "PUT"),
        "again": post(f"/commands/again/{zebra.run}"),
        "cancel": post(f"/api/v1/runs/{zebra.run}/cancel"),
        "schedule": post(f"/api/v1/schedules/{zebra.schedule}", {"enabled": False}, "PATCH"),
        "call": post("/api/v1/calls", task),
    }
    assert found == dict.fromkeys(found, _OUTCOMES[name])


def test_a_run_records_the_project_of_its_hosts(services: Services, zebra: Zebra) -> None:
    run, _ = services.runs.get(zebra.run)
    assert run.request.project == "zebra"
    action = services.history.search(_launches()).entries[0]
    assert (action.kind, action.project) == ("run:launch", "zebra")


def _launches() -> object:
    from selfservice.audit.query import HistoryQuery

    return HistoryQuery(kind="run:launch")


def test_where_hosts_are_in_several_projects_one_has_to_be_chosen(
    zebra: Zebra, services: Services, as_person: Callable[[str], FlaskClient], csrf_of: Callable[..., str]
) -> None:
    services.projects.create("zoo", Plan("Zoo", hosts=("zebra-1",)), ROOT)
    admin = as_person("admin")
    headers = {"X-CSRFToken": csrf_of(admin)}
    order = {"command": "id", "hosts": "zebra-1"}
    refused = admin.post("/api/v1/commands", json=order, headers=headers)
    assert (refused.status_code, refused.json["field"]) == (422, "project")
    assert "zebra, zoo" in refused.json["detail"]
    started = admin.post("/api/v1/commands", json={**order, "project": "zoo"}, headers=headers)
    assert admin.get(f"/api/v1/runs/{started.json['id']}").json["request"]["project"] == "zoo"
    # Whoever has access to one of them alone need not choose.
    wanda = as_person("wanda")
    headers = {"X-CSRFToken": csrf_of(wanda)}
    started = wanda.post("/api/v1/commands", json=order, headers=headers)
    assert wanda.get(f"/api/v1/runs/{started.json['id']}").json["request"]["project"] == "zebra"
    unknown = wanda.post("/api/v1/commands", json={**order, "project": "zoo"}, headers=headers)
    assert unknown.json["detail"] == "There is no project called zoo (any more)."


def test_a_run_over_several_projects_is_seen_by_those_who_see_all_its_hosts(
    services: Services, zebra: Zebra, person: Callable[[str], Person]
) -> None:
    request = RunRequest(RunKind.COMMAND, hosts="all", host_names=("zebra-1", "lion-1"), command="id")
    run = services.runs.launch(Launch(request, ROOT))
    rita, manny = person("rita"), person("manny")
    ids = [row.id for row in services.runs.seen_by(services.sights.of(rita)).list(_all()).runs]
    assert ids == [zebra.run]
    services.access.give(services.projects.get("lion"), Whom("person", "rita"), "read", ROOT)
    for someone in (rita, manny):
        ids = [row.id for row in services.runs.seen_by(services.sights.of(someone)).list(_all()).runs]
        assert sorted(ids) == sorted([run.id, zebra.run])


def _all() -> object:
    from selfservice.runs.listing import RunQuery

    return RunQuery()


def test_runs_of_before_there_was_a_project_are_hidden_with_their_hosts(
    services: Services, person: Callable[[str], Person]
) -> None:
    request = RunRequest(RunKind.COMMAND, hosts="zebra-2", host_names=("zebra-2",), command="id")
    run = services.runs.launch(Launch(request, ROOT))
    sights, charlie = services.sights, person("charlie")
    assert services.runs.seen_by(sights.of(charlie)).get(run.id)
    services.projects.create("zebra", Plan("Zebra", hosts=("zebras",)), ROOT)
    assert sights.of(charlie).level(run.request.scope) is Level.NONE
    assert services.runs.seen_by(sights.of(charlie)).list(_all()).total == 0


def test_a_token_limited_to_projects_sees_those_alone(services: Services, zebra: Zebra) -> None:
    admin = services.accounts.people.get("admin")
    token, _ = services.accounts.tokens.create("zebras", admin, "launch", ROOT, Terms(projects=("zebra",)))
    sight = services.sights.of(token)
    assert sight.level(Scope("zebra")) is Level.ADMIN
    assert sight.level(Scope("lion")) is sight.level(Scope()) is Level.NONE
    services.projects.remove("zebra", ROOT)
    assert services.sights.of(token).level(Scope(hosts=("master",))) is Level.NONE


def test_a_token_reaches_no_further_than_its_person(
    services: Services, zebra: Zebra, person: Callable[..., Person]
) -> None:
    rita = person("rita")
    token, _ = services.accounts.tokens.create("mine", rita, "launch", ROOT, Terms(projects=("zebra",)))
    sight = services.sights.of(token)
    assert sight.level(Scope("zebra")) is Level.READ
    other, _ = services.accounts.tokens.create("other", rita, "read", ROOT, Terms(projects=("lion",)))
    assert services.sights.of(other).level(Scope("lion")) is Level.NONE


def test_a_schedule_starts_nothing_once_its_owner_may_not(
    services: Services, zebra: Zebra, person: Callable[[str], Person]
) -> None:
    person("wanda")
    plan = services.schedules.get(zebra.schedule)
    plan.owner = "wanda"
    services.schedules.launcher.check(plan)
    services.access.give(services.projects.get("zebra"), Whom("person", "wanda"), "read", ROOT)
    with pytest.raises(Forbidden, match="needs the access “write”"):
        services.schedules.launcher.check(plan)


def test_somebody_has_the_access_of_their_teams(
    services: Services, zebra: Zebra, person: Callable[..., Person]
) -> None:
    erin = person("erin")
    team = services.teams.create("night-shift", "", ROOT)
    services.teams.change("night-shift", "", ["erin"], team.version, ROOT)
    services.access.give(services.projects.get("zebra"), Whom("team", "night-shift"), "write", ROOT)
    assert services.sights.of(erin).level(Scope("zebra")) is Level.WRITE
    services.teams.remove("night-shift", ROOT)
    assert services.sights.of(erin).level(Scope("zebra")) is Level.NONE


def test_groups_of_a_directory_give_access_beside_what_people_gave(
    services: Services, zebra: Zebra, person: Callable[[str], Person]
) -> None:
    rita, project = person("rita"), services.projects.get("zebra")
    services.access.map_group(project, "keepers", "admin", ROOT)
    system = Actor("selfservice", "system", "local")
    assert services.access.grant_from_groups(rita, ["keepers", "unknown"], system) == {"zebra": Level.ADMIN}
    assert services.sights.of(rita).level(Scope("zebra")) is Level.ADMIN
    services.access.grant_from_groups(rita, [], system)
    assert services.sights.of(rita).level(Scope("zebra")) is Level.READ
