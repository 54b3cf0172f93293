"""Nothing of a project is there for whoever has no access to it: in no page, list, count, export or stream."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from selfservice.web.services import Services
from tests.projects.conftest import CAST, Zebra

#: Who may see the project, of the cast.
SEEING = ("rita", "wanda", "adam", "manny", "admin")
STRANGERS = ("charlie", "erin")
#: An answer that goes on and on; asked for its beginning alone.
_STREAMS = {"/api/v1/stream"}


def _addresses(zebra: Zebra) -> dict[str, list[str]]:
    """Where each kind of thing of the project is found, by the kind."""
    run = f"/runs/{zebra.run}"
    return {
        "run": [
            run,
            f"{run}/changes",
            f"{run}/compare/{zebra.run}",
            f"/api/v1{run}",
            f"/api/v1{run}/output",
            f"/api/v1{run}/lines",
            f"/api/v1{run}/find?q=x",
            f"/api/v1{run}/events",
            f"/api/v1{run}/results",
            f"/api/v1{run}/compare/{zebra.run}",
        ],
        "operation": ["/operations/zebra_feed", "/api/v1/operations/zebra_feed"],
        "schedule": [f"/schedules/{zebra.schedule}", f"/api/v1/schedules/{zebra.schedule}"],
        "node": ["/nodes/zebra-1"],
        "health": ["/health/zebra-1", "/api/v1/nodes/zebra-1/health"],
        "repository": ["/files/zebra-files", "/api/v1/repositories/zebra-files/history?branch=x"],
        "call": [f"/calls/{zebra.call}", f"/calls/{zebra.call}/answers", f"/api/v1/calls/{zebra.call}"],
    }


_KINDS = ("run", "operation", "schedule", "node", "health", "repository", "call")


def _opened(client: FlaskClient, address: str) -> bool:
    answer = client.get(address)
    # An empty repository has no branch x: that is said to whoever may know that it is there.
    assert answer.status_code in (200, 404), (address, answer.status_code, answer.text[:300])
    return answer.status_code == 200 or ("No such repository" not in answer.text and "repositories" in address)


@pytest.mark.parametrize("name", CAST)
def test_each_kind_of_thing_is_found_by_those_with_access_and_is_not_there_for_others(
    name: str, zebra: Zebra, as_person: Callable[[str], FlaskClient]
) -> None:
    client = as_person(name)
    found = {kind: [_opened(client, each) for each in addresses] for kind, addresses in _addresses(zebra).items()}
    seen = name in SEEING
    assert found == {kind: [seen] * len(addresses) for kind, addresses in _addresses(zebra).items()}


@pytest.mark.parametrize("name", STRANGERS)
def test_no_page_list_search_count_or_export_says_a_word_of_it(
    name: str, app: APIFlask, zebra: Zebra, as_person: Callable[[str], FlaskClient]
) -> None:
    client = as_person(name)
    rules = [rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ()) and not rule.arguments]
    addresses = [rule.rule for rule in rules if rule.rule not in _STREAMS]
    addresses += ["/search?q=zeb", "/search?q=", "/history/export?format=json", "/runs?q=zebra", "/history?q=zebra"]
    told = [each for each in addresses if "zebra" in client.get(each).text.lower().replace("zebra</title>", "")]
    # What somebody typed themselves stands in the field that they typed it into.
    assert set(told) <= {"/runs?q=zebra", "/history?q=zebra"}
    assert client.get("/api/v1/runs?q=zebra").json.get("total", 0) in (0, None)


def test_those_with_access_are_told_everywhere(zebra: Zebra, as_person: Callable[[str], FlaskClient]) -> None:
    client = as_person("rita")
    listed = ("/", "/runs", "/operations", "/hosts", "/schedules", "/nodes", "/health", "/files", "/alerts", "/history")
    assert [each for each in listed if "zebra" not in client.get(each).text.lower()] == []
    assert [each["title"] for each in client.get("/search?q=zebra-2", headers={"Accept": "application/json"}).json] == [
        "zebra-2"
    ]


@pytest.mark.parametrize(("name", "total"), [("charlie", 0), ("erin", 0), ("rita", 1), ("manny", 1), ("admin", 1)])
def test_counts_are_of_what_is_seen(
    name: str, total: int, zebra: Zebra, as_person: Callable[[str], FlaskClient]
) -> None:
    client = as_person(name)
    assert client.get("/api/v1/runs").json["total"] == total
    stream = client.get("/api/v1/stream")
    told: dict[str, dict[str, object]] = {}
    kind = ""
    for chunk in stream.iter_encoded():
        for line in chunk.decode().splitlines():
            if line.startswith("event: "):
                kind = line.removeprefix("event: ")
            elif line.startswith("data: "):
                told[kind] = json.loads(line.removeprefix("data: "))
        if {"alerts", "runs", "nodes"} <= told.keys():
            break
    stream.close()
    assert told["runs"]["counts"]["queued"] == total  # type: ignore[index]
    assert len(told["alerts"]["open"]) == total  # type: ignore[arg-type]
    assert ("zebra-1" in told["nodes"]["hosts"]) is bool(total)  # type: ignore[operator]
    assert sum(told["nodes"]["health"]["counts"].values()) == total  # type: ignore[index]


def test_a_host_that_is_not_seen_is_no_host_in_a_pattern(zebra: Zebra, as_person: Callable[[str], FlaskClient]) -> None:
    charlie = as_person("charlie")
    for pattern in ("zebra-1", "zebras"):
        answer = charlie.get(f"/api/v1/hosts/match?pattern={pattern}")
        assert (answer.status_code, f"No host or group is called '{pattern}'." == answer.json["detail"]) == (422, True)
    assert charlie.get("/api/v1/hosts/match?pattern=all").json["hosts"] == ["master"]
    assert charlie.get("/api/v1/hosts/match?pattern=mixed").json["hosts"] == ["master"]
    assert charlie.get("/api/v1/hosts/match?pattern=z*").status_code == 422


def test_members_alone_do_not_see_what_belongs_to_no_project(
    services: Services, zebra: Zebra, as_person: Callable[[str], FlaskClient]
) -> None:
    wanda = as_person("wanda")
    assert {host["name"] for host in wanda.get("/api/v1/hosts").json["hosts"]} == {"zebra-1", "zebra-2"}
    assert wanda.get("/operations/everywhere").status_code == 404
    assert "account:create" not in wanda.get("/history").text


def test_access_that_is_taken_away_ends_at_once(
    services: Services, zebra: Zebra, as_person: Callable[[str], FlaskClient]
) -> None:
    from selfservice.projects.access import Whom
    from tests.projects.conftest import ROOT

    rita = as_person("rita")
    assert rita.get(f"/runs/{zebra.run}").status_code == 200
    services.access.give(services.projects.get("zebra"), Whom("person", "rita"), "none", ROOT)
    assert rita.get(f"/runs/{zebra.run}").status_code == 404
