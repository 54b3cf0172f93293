"""How nodes were: what is kept, how it is thinned, and what a killed process leaves."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfservice.errors import BadInput
from selfservice.health.history import MOST_POINTS, History, Row, _thinned
from tests.health.factories import NOON, disk, heartbeat


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path)


def beat(history: History, at: datetime, cpu: float = 10, full: float = 40, node: str = "web-1") -> None:
    history.append(node, heartbeat(at, cpu_percent=cpu, disks=[disk(full)]), at)


def ten_seconds(start: datetime, count: int) -> list[datetime]:
    return [start + timedelta(seconds=10 * number) for number in range(count)]


def lines(folder: Path, node: str = "web-1") -> int:
    return sum(path.read_bytes().count(b"\n") for path in (folder / node).rglob("*.jsonl"))


def test_what_was_appended_comes_back(history: History) -> None:
    for number, at in enumerate(ten_seconds(NOON, 3)):
        beat(history, at, cpu=number)
    rows = history.series("web-1", NOON, NOON + timedelta(hours=1), 500)
    assert [(row.cpu, row.mem, row.disk, row.load) for row in rows] == [
        (0, 25.0, 40.0, 0.5),
        (1, 25.0, 40.0, 0.5),
        (2, 25.0, 40.0, 0.5),
    ]


def test_a_lines_last_words_are_left_out_where_it_was_torn_and_the_next_is_whole(
    history: History, tmp_path: Path
) -> None:
    beat(history, NOON, cpu=1)
    (path,) = tmp_path.rglob("*.jsonl")
    with path.open("ab") as file:
        file.write(b'{"t":17952')
    beat(history, NOON + timedelta(seconds=10), cpu=2)
    rows = history.series("web-1", NOON, NOON + timedelta(minutes=1), 100)
    assert [row.cpu for row in rows] == [1, 2]


@settings(deadline=None)
@given(cut=st.integers(min_value=0, max_value=400))
def test_cut_off_anywhere_the_history_goes_on(cut: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("history")
    history = History(folder)
    for at in ten_seconds(NOON, 6):
        beat(history, at)
    (path,) = folder.rglob("*.jsonl")
    whole = path.read_bytes()
    path.write_bytes(whole[: min(cut, len(whole))])
    beat(history, NOON + timedelta(seconds=60), cpu=77)
    rows = history.series("web-1", NOON, NOON + timedelta(minutes=2), 100)
    assert rows[-1].cpu == 77
    assert {row.cpu for row in rows[:-1]} <= {10, None}


def test_heartbeats_that_come_too_often_are_not_kept(history: History, tmp_path: Path) -> None:
    for number in range(600):
        beat(history, NOON + timedelta(seconds=number / 10))
    assert lines(tmp_path) == 9


def test_a_day_is_kept_in_ten_seconds_and_a_month_in_five_minutes_and_no_more(history: History, tmp_path: Path) -> None:
    for day in range(40):
        # Three lines of ten seconds in each of two hours a day stand for all.
        for hour in (6, 18):
            for at in ten_seconds(NOON.replace(hour=hour) + timedelta(days=day), 3):
                beat(history, at)
    assert len(list((tmp_path / "web-1/10s").iterdir())) <= 26
    assert len(list((tmp_path / "web-1/5min").iterdir())) <= 32
    latest = NOON.replace(hour=18) + timedelta(days=39)
    rows = history.series("web-1", latest - timedelta(days=30), latest + timedelta(minutes=1), MOST_POINTS)
    known = [row for row in rows if row.cpu is not None]
    assert len(known) == 2 * 30 + 1
    assert len(known) < len(rows)


def test_five_minutes_are_the_mean_but_the_most_of_the_disk(history: History) -> None:
    for number, at in enumerate(ten_seconds(NOON, 30)):
        beat(history, at, cpu=number, full=90 if number == 3 else 40)
    beat(history, NOON + timedelta(minutes=5))
    beat(history, NOON + timedelta(days=3))
    rows = history.series("web-1", NOON, NOON + timedelta(days=3), 2000)
    assert (rows[0].cpu, rows[0].disk) == (14.5, 90)


def test_five_minutes_are_summed_up_once_though_the_process_died_in_between(history: History, tmp_path: Path) -> None:
    for at in ten_seconds(NOON, 3):
        beat(history, at)
    beat(history, NOON + timedelta(minutes=5))
    # Killed after the row of five minutes and before the row of ten seconds: the next process does it again.
    (fine,) = (tmp_path / "web-1/10s").iterdir()
    fine.write_bytes(b"".join(fine.read_bytes().splitlines(keepends=True)[:3]))
    beat(History(tmp_path), NOON + timedelta(minutes=5))
    (coarse,) = (tmp_path / "web-1/5min").iterdir()
    assert coarse.read_bytes().count(b"\n") == 1


def test_a_long_look_back_ends_with_the_latest_that_is_not_summed_up_yet(history: History) -> None:
    beat(history, NOON - timedelta(days=3))
    beat(history, NOON, cpu=55)
    rows = history.series("web-1", NOON - timedelta(days=7), NOON + timedelta(seconds=1), 1000)
    assert rows[-1].cpu == 55


def test_a_clock_that_was_set_back_spoils_nothing(history: History, tmp_path: Path) -> None:
    beat(history, NOON + timedelta(days=400))
    beat(history, NOON, cpu=3)
    assert [path.name for path in (tmp_path / "web-1/10s").iterdir()] == ["2026-11-20T12.jsonl"]
    assert [row.cpu for row in history.series("web-1", NOON, NOON + timedelta(hours=1), 100)] == [3]


def test_silence_is_a_gap_and_jitter_is_none(history: History) -> None:
    for seconds in (0, 9, 21, 30, 200, 210):
        beat(history, NOON + timedelta(seconds=seconds))
    rows = history.series("web-1", NOON, NOON + timedelta(minutes=5), 100)
    assert [row.cpu for row in rows] == [10, 10, 10, None, 10, 10]


@settings(deadline=None)
@given(
    seconds=st.lists(st.integers(0, 5000), max_size=60, unique=True).map(sorted),
    points=st.integers(1, 60),
)
def test_there_are_never_more_points_than_asked_for_and_they_stay_within_what_was(
    seconds: list[int], points: int
) -> None:
    rows = [Row(at, float(at % 100), 1.0, float(at % 7), 0.1) for at in seconds]
    thinned = _thinned(rows, 0, 5001, points, 10)
    assert len(thinned) <= points
    times = [row.at for row in thinned]
    assert times == sorted(set(times))
    known = [row.cpu for row in thinned if row.cpu is not None]
    assert bool(known) == bool(rows)
    if rows:
        assert min(row.cpu or 0 for row in rows) <= min(known) <= max(known) <= max(row.cpu or 0 for row in rows)
        assert max(row.disk for row in thinned if row.disk is not None) == max(row.disk or 0 for row in rows)


@pytest.mark.parametrize("name", ["", "..", "../x", "Web", "-a", "a/b", "a" * 64, "a\n"])
def test_what_is_no_name_of_a_node_never_becomes_a_path(history: History, tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput):
        beat(history, NOON, node=name)
    with pytest.raises(BadInput):
        history.series(name, NOON, NOON + timedelta(hours=1), 10)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("points", [0, -1, MOST_POINTS + 1])
def test_too_many_points_are_refused(history: History, points: int) -> None:
    with pytest.raises(BadInput, match="points"):
        history.series("web-1", NOON, NOON + timedelta(hours=1), points)
