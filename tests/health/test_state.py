"""What is made of a node's heartbeats: the state machine, without disk or clock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfservice.health.heartbeat import Heartbeat
from selfservice.health.latest import Heard
from selfservice.health.state import Health, Standing, judge, problems
from selfservice.health.thresholds import Thresholds
from tests.health.factories import NOON, disk, heartbeat

LIMITS = Thresholds()
GOOD, FULL, ALMOST = (heartbeat(disks=[disk(percent)]) for percent in (40, 96, 88))


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def walk(beats: Iterable[tuple[float, Heartbeat | None]], until: float) -> list[tuple[float, Standing]]:
    """Tick each second until then, hearing `beats` at their seconds; the changes with their second."""
    due = dict(beats)
    heard: Heard | None = None
    standing: Standing | None = None
    changes: list[tuple[float, Standing]] = []
    for second in range(int(until) + 1):
        if beat := due.get(second):
            heard = Heard("web-1", beat, after(second))
        judged = judge(standing, heard, after(second), LIMITS)
        if standing is None or judged.state is not standing.state:
            changes.append((second, judged))
        standing = judged
    return changes


def states(changes: list[tuple[float, Standing]]) -> list[tuple[float, str]]:
    return [(second, standing.state.value) for second, standing in changes]


def every_ten(count: int, beat: Heartbeat, start: int = 0) -> list[tuple[float, Heartbeat]]:
    return [(start + 10 * number, beat) for number in range(count)]


def test_a_node_never_heard_of_is_unknown() -> None:
    ((_, standing),) = walk([], 1000)
    assert standing.state is Health.UNKNOWN
    assert standing.why == ("Nothing was ever heard of it.",)


def test_silence_makes_it_late_then_down_and_a_heartbeat_healthy() -> None:
    changes = walk([(0, GOOD), (200, GOOD)], 220)
    assert states(changes) == [(0, "healthy"), (31, "late"), (61, "down"), (200, "healthy")]
    assert changes[2][1].why == ("Nothing was heard of it since 2026-11-20 12:00:00 UTC, limit 60 s.",)


def test_a_figure_beyond_its_limit_counts_once_it_lasts() -> None:
    changes = walk([*every_ten(3, GOOD), *every_ten(5, FULL, 30)], 70)
    assert states(changes) == [(0, "healthy"), (60, "degraded")]
    assert changes[1][1].why == ("Disk / is 96 % full, limit 90 %.",)


def test_a_short_peak_is_no_degradation() -> None:
    assert states(walk([(0, GOOD), (10, FULL), (20, FULL), (30, GOOD), *every_ten(5, GOOD, 40)], 80)) == [
        (0, "healthy")
    ]


def test_well_below_the_limit_it_is_healthy_at_once_and_just_below_after_a_while() -> None:
    degraded = every_ten(5, FULL)
    assert states(walk([*degraded, *every_ten(5, GOOD, 50)], 90))[-1] == (50, "healthy")
    assert states(walk([*degraded, *every_ten(5, ALMOST, 50)], 90))[-1] == (80, "healthy")


def test_a_degraded_node_that_was_silent_for_a_moment_is_degraded_again() -> None:
    changes = states(walk([*every_ten(5, FULL), (80, FULL)], 100))
    assert changes == [(0, "healthy"), (31, "degraded"), (71, "late"), (80, "degraded")]


def test_a_degraded_node_that_comes_back_from_being_down_in_order_is_healthy() -> None:
    assert states(walk([*every_ten(5, FULL), (200, GOOD)], 210))[-2:] == [(101, "down"), (200, "healthy")]


def test_silence_that_is_excused_does_not_count_but_does_not_heal_either() -> None:
    heard = Heard("web-1", GOOD, NOON)
    healthy, down = (Standing(state, NOON) for state in (Health.HEALTHY, Health.DOWN))
    assert judge(healthy, heard, after(1000), LIMITS, after(990)).state is Health.HEALTHY
    assert judge(healthy, heard, after(1000), LIMITS, after(965)).state is Health.LATE
    assert judge(healthy, heard, after(1000), LIMITS, after(930)).state is Health.DOWN
    assert judge(down, heard, after(1000), LIMITS, after(990)).state is Health.DOWN


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"disks": [disk(10), disk(90.5, "/srv")]}, "Disk /srv is 90.5 % full, limit 90 %."),
        ({"memory": {"total": 10, "available": 0, "percent": 99}}, "Memory is 99 % in use, limit 95 %."),
        ({"load": [18, 0, 0]}, "Load is 4.5 for each processor, limit 4."),
        ({"ahead": 600}, "The clock is 600 s ahead, limit 5 s."),
        ({"ahead": -7}, "The clock is 7 s behind, limit 5 s."),
    ],
)
def test_each_limit_has_its_sentence(changed: dict[str, Any], sentence: str) -> None:
    assert problems(heartbeat(**changed), LIMITS) == [sentence]


def test_exactly_the_limit_is_not_beyond_it() -> None:
    assert problems(heartbeat(disks=[disk(90)], ahead=5, load=[16, 0, 0]), LIMITS) == []


_BEATS = st.dictionaries(st.integers(0, 1200), st.sampled_from([GOOD, ALMOST, FULL]), max_size=150)


@settings(deadline=None)
@given(beats=_BEATS)
def test_whatever_is_heard_the_state_says_when_and_why(beats: dict[int, Heartbeat]) -> None:
    for second, standing in walk(beats.items(), 1200):
        assert standing.since == after(second)
        assert bool(standing.why) == (standing.state is not Health.HEALTHY)


@settings(deadline=None)
@given(beats=_BEATS)
def test_whatever_is_heard_silence_is_noticed_in_time_and_never_too_early(beats: dict[int, Heartbeat]) -> None:
    heard_at = None
    standing: Standing | None = None
    for second in range(1200):
        heard_at = second if second in beats else heard_at
        heard = Heard("web-1", beats[heard_at], after(heard_at)) if heard_at is not None else None
        standing = judge(standing, heard, after(second), LIMITS)
        silent = second - heard_at if heard_at is not None else None
        if silent is None:
            assert standing.state is Health.UNKNOWN
        elif silent > 60:
            assert standing.state is Health.DOWN
        elif silent > 30:
            assert standing.state in (Health.LATE, Health.DOWN)


@settings(deadline=None)
@given(beats=st.dictionaries(st.integers(0, 3600), st.sampled_from([GOOD, ALMOST, FULL]), min_size=1, max_size=400))
def test_however_restless_a_node_is_it_changes_seldom(beats: dict[int, Heartbeat]) -> None:
    times = [second for second, _ in walk(beats.items(), 3600)]
    for start in times:
        assert sum(1 for second in times if start <= second < start + 600) <= 10


def test_a_node_that_comes_and_goes_stays_down_for_longer_each_time() -> None:
    beats = [(float(second), GOOD) for second in range(0, 3600, 70)]
    back = [second for second, state in states(walk(beats, 3600)) if state == "healthy"]
    assert len(back) < len(beats) / 2
    assert [second for second in back if 200 < second < 600] == []


def test_a_node_that_has_calmed_down_is_back_at_once() -> None:
    restless = Standing(Health.DOWN, NOON, changes=tuple(after(number) for number in range(8)))
    heard = Heard("web-1", GOOD, after(700))
    assert judge(restless, heard, after(700), LIMITS).state is Health.HEALTHY
    assert judge(restless, replace(heard, received_at=after(300)), after(300), LIMITS).state is Health.DOWN
