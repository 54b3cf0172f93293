"""Times are those a person expects, whatever the clocks do."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfservice.errors import BadInput
from selfservice.schedules.times import Every, Timing, next_times


def local(timing: Timing, after: datetime, count: int = 3) -> list[str]:
    zone = ZoneInfo(timing.zone)
    return [each.astimezone(zone).strftime("%m-%d %H:%M %Z") for each in next_times(timing, after, count)]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_daily_time_that_is_skipped_in_spring_runs_right_after() -> None:
    timing = Timing(Every.DAY, "Europe/Berlin", at="02:30")
    assert local(timing, at("2026-03-27T12:00")) == ["03-28 02:30 CET", "03-29 03:00 CEST", "03-30 02:30 CEST"]


def test_a_daily_time_that_comes_twice_in_autumn_runs_once() -> None:
    timing = Timing(Every.DAY, "Europe/Berlin", at="02:30")
    found = local(timing, at("2026-10-24T12:00"))
    assert [each[:5] for each in found] == ["10-25", "10-26", "10-27"]


@pytest.mark.parametrize("zone", ["America/New_York", "Australia/Lord_Howe", "UTC", "Asia/Kathmandu"])
def test_a_daily_time_comes_once_a_day_all_year(zone: str) -> None:
    timing = Timing(Every.DAY, zone, at="02:15")
    found = next_times(timing, at("2026-01-01T12:00"), 365)
    days = [each.astimezone(ZoneInfo(zone)).date() for each in found]
    assert len(set(days)) == 365


def test_an_hourly_cron_runs_through_both_changes() -> None:
    timing = Timing(Every.CRON, "Europe/Berlin", cron="0 * * * *")
    assert [each.hour for each in next_times(timing, at("2026-03-29T00:00"), 3)] == [1, 2, 3]
    assert [each.hour for each in next_times(timing, at("2026-10-24T23:30"), 4)] == [0, 1, 2, 3]


@pytest.mark.parametrize("sunday", ["0", "7", "sun"])
def test_cron_counts_days_from_sunday(sunday: str) -> None:
    timing = Timing(Every.CRON, "UTC", cron=f"0 0 * * {sunday}")
    assert next_times(timing, at("2026-11-21T00:00"), 1) == [at("2026-11-22T00:00")]


def test_weeks_and_months() -> None:
    weekly = Timing(Every.WEEK, "UTC", at="06:00", days=(1, 5))
    assert local(weekly, at("2026-11-21T00:00")) == ["11-23 06:00 UTC", "11-27 06:00 UTC", "11-30 06:00 UTC"]
    last = Timing(Every.MONTH, "UTC", at="06:00", day="last")
    assert local(last, at("2027-01-01T00:00")) == ["01-31 06:00 UTC", "02-28 06:00 UTC", "03-31 06:00 UTC"]
    thirty_first = Timing(Every.MONTH, "UTC", at="06:00", day="31")
    assert local(thirty_first, at("2027-01-01T00:00"), 2) == ["01-31 06:00 UTC", "03-31 06:00 UTC"]


@pytest.mark.parametrize(
    ("timing", "field"),
    [
        (Timing(Every.CRON, "UTC", cron="0 0 30 2 *"), "cron"),
        (Timing(Every.CRON, "UTC", cron="0 0 * *"), "cron"),
        (Timing(Every.CRON, "UTC", cron="* * * * * *"), "cron"),
        (Timing(Every.CRON, "UTC", cron="61 * * * *"), "cron"),
        (Timing(Every.CRON, "UTC", cron="whenever you like it so"), "cron"),
        (Timing(Every.DAY, "UTC", at="25:00"), "at"),
        (Timing(Every.WEEK, "UTC"), "days"),
        (Timing(Every.WEEK, "UTC", days=(8,)), "days"),
        (Timing(Every.MONTH, "UTC", day="32"), "day"),
        (Timing(Every.DAY, "Europe/Nowhere"), "zone"),
        (Timing(Every.DAY, "../../etc/passwd"), "zone"),
    ],
)
def test_a_time_that_never_comes_is_refused_by_field(timing: Timing, field: str) -> None:
    with pytest.raises(BadInput) as caught:
        next_times(timing, at("2026-11-21T00:00"))
    assert caught.value.field == field


@given(
    hour=st.integers(0, 23),
    minute=st.integers(0, 59),
    days=st.sets(st.integers(0, 6), min_size=1),
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Tokyo"]),
    after=st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1)),
)
def test_times_go_forward_and_fall_on_their_days(
    hour: int, minute: int, days: set[int], zone: str, after: datetime
) -> None:
    moment = after.replace(tzinfo=UTC)
    timing = Timing(Every.WEEK, zone, at=f"{hour:02d}:{minute:02d}", days=tuple(days))
    found = next_times(timing, moment, 10)
    assert found == sorted(set(found))
    assert found[0] > moment
    assert {(each.astimezone(ZoneInfo(zone)).isoweekday()) % 7 for each in found} <= days
