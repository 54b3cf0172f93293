"""The Health pages and their API, with nodes that were heard a moment ago."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from selfservice.audit.actions import Actor
from selfservice.health.changes import Change
from selfservice.health.fleet import ON_A_PAGE, Fleet
from selfservice.health.folder import node_names
from selfservice.health.standings import Kept, Standings
from selfservice.health.state import Health, Standing, WatchedNode
from selfservice.runs.events import HostRecap, Result, Results
from selfservice.runs.folder import RunFolder
from selfservice.runs.launching import Launch
from selfservice.runs.run import RunKind, RunRequest, State, Status
from selfservice.settings import Settings
from tests.health.factories import disk, heartbeat

ALICE = Actor("alice", "session", "192.0.2.7")


@pytest.fixture
def fleet(app: APIFlask) -> Fleet:
    found: Fleet = app.extensions["selfservice"].health
    found.nodes = lambda: [WatchedNode(name) for name in node_names(found.latest.folder)]
    return found


def stand(fleet: Fleet, name: str, state: Health, *why: str, **changed: Any) -> datetime:
    """Make `name` stand so, heard a moment ago."""
    now = datetime.now(UTC)
    for seconds in (30, 20, 10, 0):
        at = now - timedelta(seconds=seconds)
        fleet.latest.accept(name, heartbeat(at, **changed), at)
    Standings(fleet.latest.folder).keep(name, Kept(Standing(state, now, why)))
    return now


def shown(page: str) -> list[str]:
    """The nodes of the page, in its order."""
    return re.findall(r'data-node="([^"]+)"', page)


def test_without_any_node_the_page_explains_how_one_comes(signed_in: FlaskClient) -> None:
    page = signed_in.get("/health").text
    assert "No node was heard yet" in page
    assert "No host is checked yet" in page
    assert "/schedules/new?operation=health_check" in page


@pytest.mark.parametrize("view", ["cards", "table"])
def test_problems_come_first_with_their_reasons(signed_in: FlaskClient, fleet: Fleet, view: str) -> None:
    stand(fleet, "a-good", Health.HEALTHY)
    stand(fleet, "b-full", Health.DEGRADED, "Disk / is 96 % full, limit 90 %.", disks=[disk(96)])
    stand(fleet, "c-gone", Health.DOWN, "Nothing was heard of it since yesterday.")
    page = signed_in.get(f"/health?view={view}").text
    assert shown(page) == ["c-gone", "b-full", "a-good"]
    assert "Disk / is 96 % full, limit 90 %." in page
    assert 'class="spark"' in page
    assert "style=" not in page.split("<main")[1].split("</main>")[0]


def test_nodes_are_found_by_words_and_by_state(signed_in: FlaskClient, fleet: Fleet) -> None:
    fleet.nodes = lambda: [WatchedNode("web-1", ("shop",)), WatchedNode("web-2"), WatchedNode("db-1", ("shop",), False)]
    stand(fleet, "web-1", Health.HEALTHY)
    stand(fleet, "web-2", Health.LATE, "Nothing was heard.")
    assert shown(signed_in.get("/health?q=shop").text) == ["web-1", "db-1"]
    assert shown(signed_in.get("/health?state=late").text) == ["web-2"]
    assert shown(signed_in.get("/health?state=disabled").text) == ["db-1"]
    assert "No node fits" in signed_in.get("/health?q=mail&state=late").text


def test_what_is_chosen_stays_in_the_links(signed_in: FlaskClient, fleet: Fleet) -> None:
    for number in range(ON_A_PAGE + 1):
        fleet.latest.accept(f"web-{number}", heartbeat(), datetime.now(UTC))
    page = signed_in.get("/health?view=table&q=web").text
    assert len(shown(page)) == ON_A_PAGE
    (following,) = re.findall(r'rel="next" href="([^"]+)"', page)
    page = signed_in.get(following.replace("&amp;", "&")).text
    assert len(shown(page)) == 1
    assert "page=2" in following
    assert "view=table" in following
    assert "q=web" in following


@pytest.mark.parametrize("number", ["0", "-3", "99999999999999999999", "x"])
def test_a_page_that_is_not_there_is_the_nearest_one(signed_in: FlaskClient, fleet: Fleet, number: str) -> None:
    stand(fleet, "web-1", Health.HEALTHY)
    assert shown(signed_in.get(f"/health?page={number}").text) == ["web-1"]


def test_names_from_files_are_never_markup(signed_in: FlaskClient, fleet: Fleet) -> None:
    stand(fleet, "web-1", Health.DEGRADED, "Disk <b>x</b> is full.", disks=[disk(96, "<script>alert(1)</script>")])
    for path in ("/health", "/health?view=table", "/health/web-1"):
        page = signed_in.get(path).text
        assert "<script>alert" not in page
        assert "<b>x</b>" not in page


def test_rows_alone_are_what_an_open_page_asks_for(signed_in: FlaskClient, fleet: Fleet) -> None:
    stand(fleet, "web-1", Health.HEALTHY)
    rows = signed_in.get("/health?rows=1").text
    assert shown(rows) == ["web-1"]
    assert "<html" not in rows


def test_a_node_has_a_page_with_reasons_figures_disks_and_what_became_of_it(
    signed_in: FlaskClient, fleet: Fleet
) -> None:
    now = stand(fleet, "web-1", Health.DEGRADED, "Disk /srv is 96 % full, limit 90 %.", disks=[disk(96, "/srv")])
    fleet.changes.add(Change("web-1", now, Health.HEALTHY, Health.DEGRADED, ("Disk /srv is 96 % full, limit 90 %.",)))
    page = signed_in.get("/health/web-1").text
    for words in ("Degraded", "/srv", "beyond the limit", "Debian GNU/Linux 12", "2 running", "What became of it"):
        assert words in page, words
    assert page.count("Disk /srv is 96 % full, limit 90 %.") == 2
    for name in ("1h", "24h", "7d", "30d"):
        assert signed_in.get(f"/health/web-1?range={name}").status_code == 200


@pytest.mark.parametrize("name", ["nobody", "..%2f..", "WEB", "a" * 500])
def test_a_node_that_is_not_there_is_not_found(signed_in: FlaskClient, name: str) -> None:
    assert signed_in.get(f"/health/{name}").status_code == 404
    assert signed_in.get(f"/api/v1/nodes/{name}/health").status_code == 404


def test_limits_that_cannot_be_used_are_said_on_the_page(signed_in: FlaskClient, settings: Settings) -> None:
    settings.health_limits.write_text("defaults: {disk_percent: a lot}")
    assert "cannot be used, so the limits before it hold on" in signed_in.get("/health").text


def test_the_api_gives_the_past_of_a_node_in_columns(signed_in: FlaskClient, fleet: Fleet) -> None:
    now = stand(fleet, "web-1", Health.HEALTHY, cpu_percent=33)
    fleet.changes.add(Change("web-1", now - timedelta(hours=2), Health.UNKNOWN, Health.HEALTHY, ()))
    fleet.changes.add(Change("web-1", now, Health.DOWN, Health.HEALTHY, ()))
    until = (now + timedelta(seconds=1)).isoformat()
    answer = signed_in.get("/api/v1/nodes/web-1/health", query_string={"points": 300, "until": until}).json
    assert (answer["state"], answer["heartbeat"]["cpu_percent"]) == ("healthy", 33)
    assert set(answer["series"]) == {"time", "cpu_percent", "memory_percent", "disk_percent", "load"}
    assert [value for value in answer["series"]["cpu_percent"] if value is not None][-1] == 33
    assert [change["old"] for change in answer["changes"]] == ["down"]


@pytest.mark.parametrize(
    "asked",
    ["points=0", "points=2001", "points=x", "since=yesterday", "since=2026-11-20T12:00:00Z&until=2026-11-20T12:00:00Z"],
)
def test_times_that_cannot_be_are_refused(signed_in: FlaskClient, fleet: Fleet, asked: str) -> None:
    stand(fleet, "web-1", Health.HEALTHY)
    answer = signed_in.get(f"/api/v1/nodes/web-1/health?{asked}")
    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")


def test_the_api_lists_all_nodes(signed_in: FlaskClient, fleet: Fleet) -> None:
    stand(fleet, "web-1", Health.DOWN, "Nothing was heard.")
    answer = signed_in.get("/api/v1/health").json
    assert answer["counts"]["down"] == 1
    assert answer["nodes"][0]["why"] == ["Nothing was heard."]


def test_the_stream_says_what_changed(signed_in: FlaskClient, fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("selfservice.web.live.LOOK_SECONDS", 0.01)
    monkeypatch.setattr("selfservice.health.fleet._LOOK_SECONDS", 0)
    stream = nodes_events(signed_in)
    assert next(stream)["health"]["counts"]["down"] == 0
    stand(fleet, "web-1", Health.DOWN, "Nothing was heard.")
    news = next(data["health"] for data in stream if data["health"]["counts"]["down"])
    assert [(change["name"], change["state"]) for change in news["changed"]] == [("web-1", "down")]


def nodes_events(client: FlaskClient) -> Iterator[Any]:
    for chunk in client.get("/api/v1/stream").response:
        name, data = (chunk.decode() if isinstance(chunk, bytes) else chunk).strip().split("\n")
        if name == "event: nodes":
            yield json.loads(data.removeprefix("data: "))


def check_run(
    app: APIFlask, operation: str, results: Results, *, state: State = State.FAILED, check: bool = False
) -> str:
    """A run of that operation, ended with these results."""
    runs = app.extensions["selfservice"].runs
    names = tuple(results.hosts)
    request = RunRequest(
        RunKind.PLAYBOOK, ",".join(names), names, playbook=f"{operation}.yml", operation=operation, check=check
    )
    run = runs.launch(Launch(request, ALICE))
    folder: RunFolder = runs.folder(run.id)
    folder.summary.write_text(json.dumps(results.to_json()))
    folder.write_status(Status(state, ended_at=datetime.now(UTC).isoformat()))
    return str(run.id)


def found(**hosts: str) -> Results:
    """Results where each host has failed with a sentence, or not at all."""
    made = Results()
    for name, why in hosts.items():
        made.hosts[name] = HostRecap(name, ok=0 if why else 1, failed=1 if why else 0)
        made.results.append(Result(name, "t", "failed" if why else "ok", None, None, 0, 0, message=why))
    return made


def test_hosts_without_the_software_show_what_their_last_check_said(app: APIFlask, signed_in: FlaskClient) -> None:
    check_run(app, "health_check", found(old="The disk is full.", web=""))
    run = check_run(app, "health_check", found(old="", db="A reboot is due."))
    check_run(app, "health_check", found(old="Only foreseen."), check=True)
    check_run(app, "health_check", found(old="Broken off."), state=State.CANCELED)
    page = signed_in.get("/health").text
    checks = page[page.index("Hosts by scheduled checks") :]
    assert re.findall(r"<strong>(\w+)</strong>", checks.split("</section>")[0]) == ["db", "old", "web"]
    assert "A reboot is due." in checks
    assert "The disk is full." not in checks
    assert "Only foreseen." not in checks
    assert "Broken off." not in checks
    assert f"/runs/{run}" in checks


def test_home_says_how_many_of_the_watched_nodes_are_healthy(signed_in: FlaskClient, fleet: Fleet) -> None:
    fleet.nodes = lambda: [WatchedNode("web-1"), WatchedNode("web-2"), WatchedNode("web-3", enabled=False)]
    stand(fleet, "web-1", Health.HEALTHY)
    stand(fleet, "web-2", Health.DOWN, "Nothing was heard.")
    assert re.findall(r"data-nodes-healthy>([^<]+)<", signed_in.get("/").text) == ["1/2"]


def test_charlie_without_an_account_sees_no_health(client: FlaskClient) -> None:
    assert client.get("/health").status_code == 302
    assert client.get("/health/web-1").status_code == 302
    assert client.get("/api/v1/health").status_code == 401
    assert client.get("/api/v1/nodes/web-1/health").status_code == 401
