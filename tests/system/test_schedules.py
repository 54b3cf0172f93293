"""A real executor fires each time of a schedule once, even where it is killed around that time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import update

from selfservice.runs.listing import RunQuery
from selfservice.schedules.models import Firing, Schedule
from selfservice.schedules.schedules import Plan
from tests.schedules.conftest import HOURLY, Clockwork
from tests.system.conftest import ALICE, Node, wait_for
from tests.system.test_slow import LOCAL


def test_killed_around_its_time_an_executor_launches_one_run(make_node: Callable[..., Node]) -> None:
    node = make_node(LOCAL)
    clockwork = Clockwork(node.settings)
    clockwork.accounts.create_person("alice", "correct horse battery", ALICE)
    due = datetime.now(UTC)
    schedule_id = clockwork.add(Plan("Hello", "master", HOURLY, command="echo hello", overlap=True), due)
    for _ in range(4):
        executor = node.start_executor()
        executor.kill()
        executor.wait()
    node.start_executor()
    wait_for(lambda: clockwork.outcomes(schedule_id) == [("launched", "")])
    rows = node.runs.list(RunQuery(schedule=str(schedule_id))).runs
    assert len(rows) == 1
    run, _ = node.runs.get(rows[0].id)
    assert node.finish(run).state == "successful"


def test_a_time_claimed_by_a_dead_executor_is_launched_by_the_next(make_node: Callable[..., Node]) -> None:
    node = make_node(LOCAL)
    clockwork = Clockwork(node.settings)
    clockwork.accounts.create_person("alice", "correct horse battery", ALICE)
    due = datetime.now(UTC) + timedelta(hours=1)
    schedule_id = clockwork.add(Plan("Hello", "master", HOURLY, command="echo hello"), due)
    past = due - timedelta(hours=2)
    with clockwork.database.session() as session:
        session.add(Firing(schedule_id=schedule_id, due_at=past, decided_at=past, outcome="claimed"))
    node.start_executor()
    wait_for(lambda: clockwork.outcomes(schedule_id) == [("launched", "")])


def test_an_edit_is_seen_by_a_running_executor(make_node: Callable[..., Node]) -> None:
    node = make_node(LOCAL)
    clockwork = Clockwork(node.settings)
    clockwork.accounts.create_person("alice", "correct horse battery", ALICE)
    node.start_executor()
    schedule_id = clockwork.add(Plan("Hello", "master", HOURLY, command="echo hello"), datetime.now(UTC))
    wait_for(lambda: clockwork.outcomes(schedule_id) == [("launched", "")])
    with clockwork.database.session() as session:
        session.execute(update(Schedule).values(enabled=False))
