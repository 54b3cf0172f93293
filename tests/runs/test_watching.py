"""A run that many people follow is looked at once for all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from selfservice.runs.folder import RunFolder
from selfservice.runs.run import State, Status
from selfservice.runs.watching import LOOK_SECONDS, Watch, Watched
from tests.runs.test_index import make_run


class Clock:
    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    (tmp_path / "artifacts").mkdir()
    return make_run(tmp_path / "artifacts", 1)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watch(folder: RunFolder, clock: Clock) -> Watch:
    return Watch(folder, clock)


def texts(fresh: dict[str, Any]) -> list[str]:
    return ["".join(text for text, _ in line["segments"]) for line in fresh["lines"]]


def test_all_readers_of_a_run_share_one_watch_that_ends_with_the_last_of_them(folder: RunFolder) -> None:
    watched = Watched()
    first = watched.of(folder)
    first.look()
    assert watched.of(folder) is first
    del first
    assert watched.of(folder).moment is None


def test_the_folder_is_looked_at_once_however_many_ask(folder: RunFolder, watch: Watch, clock: Clock) -> None:
    before = watch.look()
    folder.stdout.write_bytes(b"one\n")
    assert watch.look() is before
    clock.time += LOOK_SECONDS
    assert watch.look().total == 1


def test_nothing_new_is_the_same_moment(watch: Watch, clock: Clock) -> None:
    before = watch.look()
    clock.time += LOOK_SECONDS
    assert watch.look() is before


def test_fresh_lines_begin_with_one_that_had_no_end_yet(folder: RunFolder, watch: Watch, clock: Clock) -> None:
    folder.stdout.write_bytes(b"one\ntw")
    told = watch.look()
    assert (told.total, told.whole) == (2, 1)
    clock.time += LOOK_SECONDS
    folder.stdout.write_bytes(b"one\ntwo\nthree\n")
    fresh = watch.fresh(watch.look(), told.whole)
    assert (fresh["start"], texts(fresh)) == (1, ["two", "three"])


@pytest.mark.parametrize("line", [b"short\n", b"x" * 5000 + b"\n"])
def test_of_a_flood_only_the_latest_lines_are_told(folder: RunFolder, watch: Watch, line: bytes) -> None:
    folder.stdout.write_bytes(line * 50_000)
    fresh = watch.fresh(watch.look(), 0)
    assert fresh["start"] + len(fresh["lines"]) == 50_000
    assert 1 <= len(fresh["lines"]) <= 100
    assert sum(len(text) for text in texts(fresh)) <= 16 * 1024


def test_an_ended_run_is_not_looked_at_again(folder: RunFolder, watch: Watch, clock: Clock) -> None:
    folder.write_status(Status(State.SUCCESSFUL))
    ended = watch.look()
    folder.stdout.write_bytes(b"by somebody else\n")
    clock.time += LOOK_SECONDS
    assert watch.look() is ended
