"""Where events come from: runs that end badly, nodes, schedules, alerts of people, requests."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select

from selfservice.alerts.alerts import Alerts, NewAlert
from selfservice.audit.actions import Actor
from selfservice.health.changes import Change
from selfservice.health.state import Health
from selfservice.notifications.models import Happening
from selfservice.notifications.sources import Looking, node_changed
from selfservice.runs.launching import Launch
from selfservice.runs.run import RunKind, RunRequest, State, Status
from selfservice.runs.runs import Runs
from selfservice.scope import Scope
from tests.notifications.conftest import Telling


def look(telling: Telling) -> None:
    """Once, as after a restart."""
    runs = Runs(telling.settings, telling.journal)
    Looking(telling.database, runs, lambda _schedule: Scope(), telling.notices).tick()


def told(telling: Telling) -> list[tuple[str, str, list[str], bool]]:
    with telling.database.session() as session:
        rows = session.scalars(select(Happening).order_by(Happening.id))
        return [(each.kind, each.text, each.people, each.private) for each in rows]


def run(telling: Telling, state: State, why: str) -> None:
    runs = Runs(telling.settings, telling.journal)
    request = RunRequest(RunKind.COMMAND, "web-1", ("web-1",), command="df -h /")
    made = runs.launch(Launch(request, Actor("alice/nightly", "token", "192.0.2.1")))
    runs.folder(made.id).write_status(Status(state, ended_at=datetime.now(UTC).isoformat(), why=why))


def test_runs_that_ended_badly_are_found_once(telling: Telling) -> None:
    run(telling, State.FAILED, "It failed on web-1.")
    run(telling, State.SUCCESSFUL, "")
    run(telling, State.LOST, "Its process is gone.")
    for _ in range(2):  # as after a restart
        Looking(
            telling.database, Runs(telling.settings, telling.journal), lambda _schedule: Scope(), telling.notices
        ).tick()
    assert told(telling) == [
        ("run:failed", "“df -h /” on web-1, started by alice/nightly, failed. It failed on web-1.", ["alice"], False),
        (
            "run:failed",
            "“df -h /” on web-1, started by alice/nightly, was lost. Its process is gone.",
            ["alice"],
            False,
        ),
    ]


def test_alerts_of_people_are_told_to_those_they_are_for(telling: Telling) -> None:
    alerts = Alerts(telling.database, telling.journal)
    alerts.send(NewAlert("Backup at noon.", to=("alice",)), Actor("bob", "session", "local"))
    alerts.send(NewAlert("web-1 is down."), Actor("selfservice", "system", "local"))
    Looking(
        telling.database, Runs(telling.settings, telling.journal), lambda _schedule: Scope(), telling.notices
    ).tick()
    assert told(telling) == [("alert", "Info, from bob: Backup at noon.", ["alice"], True)]


def test_only_down_and_up_again_are_news_of_a_node() -> None:
    def kind(old: Health, new: Health) -> str | None:
        event = node_changed(Change("web-1", datetime.now(UTC), old, new, ()))
        return event.kind.value if event else None

    assert kind(Health.LATE, Health.DOWN) == "node:down"
    assert kind(Health.DOWN, Health.HEALTHY) == "node:up"
    assert kind(Health.DOWN, Health.LATE) is None
    assert kind(Health.HEALTHY, Health.DEGRADED) is None
