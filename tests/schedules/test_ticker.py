"""Each time of a schedule becomes one run, or a reason why not: whoever dies, and whatever the clock does."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from selfservice.runs.runs import Runs
from selfservice.schedules.blackouts import NewBlackout
from selfservice.schedules.schedules import Missed, Plan
from tests.operations.playbooks import Playbooks
from tests.records import database_url  # noqa: F401
from tests.schedules.conftest import ALICE, HOURLY, Clockwork

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
UPTIME = Plan("Uptime", "master", HOURLY, command="uptime")


def test_a_time_becomes_one_run_as_its_owner(clockwork: Clockwork) -> None:
    schedule_id = clockwork.add(UPTIME, NOON)
    clockwork.ticker.tick(NOON - timedelta(seconds=1))
    assert clockwork.launched() == []
    for _ in range(3):
        clockwork.ticker.tick(NOON + timedelta(seconds=1))
    (row,) = clockwork.launched()
    assert (row.title, row.person, row.via, row.schedule) == ("uptime", "alice", "schedule", str(schedule_id))
    assert clockwork.schedules.get(schedule_id).next_due_at == NOON + HOUR


def test_many_executors_at_once_launch_one_run(clockwork: Clockwork) -> None:
    clockwork.add(UPTIME, NOON)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: Clockwork(clockwork.settings).ticker.tick(NOON), range(16)))
    assert len(clockwork.launched()) == 1


def test_dying_between_claim_and_launch_loses_and_doubles_nothing(
    clockwork: Clockwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    schedule_id = clockwork.add(UPTIME, NOON)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Runs, "launch", die)
        clockwork.ticker.tick(NOON)
    assert clockwork.outcomes(schedule_id) == [("claimed", "")]
    for _ in range(2):
        clockwork.ticker.tick(NOON + timedelta(seconds=5))
    assert len(clockwork.launched()) == 1


def test_dying_right_after_the_launch_doubles_nothing(clockwork: Clockwork, monkeypatch: pytest.MonkeyPatch) -> None:
    launch = Runs.launch

    def launch_and_die(self: Runs, request: object) -> None:
        launch(self, request)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    schedule_id = clockwork.add(replace(UPTIME, overlap=True), NOON)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Runs, "launch", launch_and_die)
        clockwork.ticker.tick(NOON)
    clockwork.ticker.tick(NOON + timedelta(seconds=5))
    assert len(clockwork.launched()) == 1
    assert clockwork.outcomes(schedule_id) == [("launched", "")]


def test_a_clock_that_goes_back_fires_nothing_twice(clockwork: Clockwork) -> None:
    clockwork.add(UPTIME, NOON)
    clockwork.ticker.tick(NOON)
    clockwork.end_all()
    clockwork.ticker.tick(NOON - HOUR)
    clockwork.ticker.tick(NOON)
    assert len(clockwork.launched()) == 1


@pytest.mark.parametrize(
    ("missed", "runs", "outcomes"),
    [
        (Missed.SKIP, 1, ["skipped", "launched"]),
        (Missed.ONCE, 2, ["skipped", "launched", "launched"]),
        (Missed.ALL, 4, ["launched", "launched", "launched", "launched"]),
    ],
)
def test_times_missed_while_the_node_was_down(
    clockwork: Clockwork, missed: Missed, runs: int, outcomes: list[str]
) -> None:
    schedule_id = clockwork.add(replace(UPTIME, missed=missed, overlap=True), NOON)
    clockwork.ticker.tick(NOON + 3 * HOUR + timedelta(seconds=10))
    assert len(clockwork.launched()) == runs
    assert [outcome for outcome, _ in clockwork.outcomes(schedule_id)] == outcomes
    skipped = [reason for outcome, reason in clockwork.outcomes(schedule_id) if outcome == "skipped"]
    assert all("missed: this node was not running." in reason for reason in skipped)


def test_a_long_absence_is_made_up_for_within_bounds(clockwork: Clockwork) -> None:
    schedule_id = clockwork.add(replace(UPTIME, missed=Missed.ALL, overlap=True), NOON)
    clockwork.ticker.tick(NOON + 100 * HOUR + timedelta(minutes=30))
    assert len(clockwork.launched()) == 24
    assert clockwork.outcomes(schedule_id)[0] == ("skipped", "77 times were missed: this node was not running.")


def test_no_overlap_unless_asked_for(clockwork: Clockwork) -> None:
    schedule_id = clockwork.add(UPTIME, NOON)
    clockwork.ticker.tick(NOON)
    clockwork.ticker.tick(NOON + HOUR)
    assert clockwork.outcomes(schedule_id)[1] == ("skipped", "The run before was still going on.")
    clockwork.end_all()
    clockwork.ticker.tick(NOON + 2 * HOUR)
    assert len(clockwork.launched()) == 2


def test_a_blackout_holds_back_and_says_why(clockwork: Clockwork) -> None:
    schedule_id = clockwork.add(UPTIME, NOON)
    clockwork.blackouts.add(NewBlackout("Release of 2.0", NOON - HOUR, NOON + HOUR), ALICE)
    clockwork.ticker.tick(NOON)
    assert clockwork.launched() == []
    assert clockwork.outcomes(schedule_id) == [("skipped", "Held back: Release of 2.0")]
    assert clockwork.held == [("Uptime", "Release of 2.0")]
    clockwork.ticker.tick(NOON + HOUR)
    assert len(clockwork.launched()) == 1


def test_a_weekly_blackout_holds_back_each_week(clockwork: Clockwork) -> None:
    # 21 November 2026 is a Saturday.
    clockwork.blackouts.add(NewBlackout("Weekend", weekday=6, at="11:30", minutes=60, zone="UTC"), ALICE)
    assert clockwork.blackouts.reason_at(NOON) == "Weekend"
    assert clockwork.blackouts.reason_at(NOON + 7 * 24 * HOUR) == "Weekend"
    assert clockwork.blackouts.reason_at(NOON + HOUR) is None
    assert clockwork.blackouts.reason_at(NOON + 24 * HOUR) is None


def test_jitter_puts_each_time_off_the_same_whoever_asks(clockwork: Clockwork) -> None:
    schedule_id = clockwork.add(replace(UPTIME, jitter_seconds=600), NOON)
    clockwork.ticker.tick(NOON)
    found = clockwork.schedules.get(schedule_id)
    assert found.next_due_at == NOON + HOUR
    assert found.next_fire_at is not None
    assert timedelta() <= found.next_fire_at - (NOON + HOUR) <= timedelta(seconds=600)


def test_a_removed_operation_is_told_and_spoils_no_other(clockwork: Clockwork, playbooks: Playbooks) -> None:
    broken = clockwork.add(Plan("Hello", "master", HOURLY, operation="say_hello"), NOON)
    sound = clockwork.add(UPTIME, NOON)
    (playbooks.folder / "say_hello.yml").unlink()
    clockwork.ticker.tick(NOON)
    assert clockwork.outcomes(broken)[0][0] == "refused"
    assert "There is no operation “say_hello”" in clockwork.outcomes(broken)[0][1]
    assert clockwork.outcomes(sound) == [("launched", "")]
    assert "There is no operation" in clockwork.schedules.trouble_of(clockwork.schedules.get(broken))


def test_an_owner_without_an_account_launches_nothing(clockwork: Clockwork) -> None:
    schedule_id = clockwork.add(UPTIME, NOON)
    with clockwork.database.session() as session:
        person = session.merge(clockwork.accounts.find("alice"))
        assert person is not None
        person.active = False
    clockwork.ticker.tick(NOON)
    assert clockwork.outcomes(schedule_id) == [("refused", "alice, whose schedule this is, has no account (any more).")]


def test_a_disabled_schedule_rests(clockwork: Clockwork) -> None:
    schedule_id = clockwork.add(UPTIME, NOON)
    clockwork.schedules.enable(schedule_id, ALICE, enabled=False)
    clockwork.ticker.tick(NOON)
    assert clockwork.launched() == []
