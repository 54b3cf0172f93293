"""The list of runs is a cache: it follows the folders, and may vanish at any moment."""

from __future__ import annotations

import multiprocessing
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from selfservice.audit.actions import Actor
from selfservice.errors import BadInput
from selfservice.runs import index as index_module
from selfservice.runs.folder import RunFolder
from selfservice.runs.index import RunIndex
from selfservice.runs.listing import RunQuery
from selfservice.runs.run import Run, RunKind, RunRequest, State, Status


@pytest.fixture
def artifacts(tmp_path: Path) -> Path:
    folder = tmp_path / "artifacts"
    folder.mkdir()
    return folder


@pytest.fixture
def index(tmp_path: Path, artifacts: Path) -> RunIndex:
    return RunIndex(artifacts, tmp_path / "cache" / "runs.db")


DISK_SPACE = RunRequest(RunKind.COMMAND, hosts="web-1", host_names=("web-1",), command="df -h /")


def make_run(artifacts: Path, number: int, command: str = "df -h /", person: str = "alice") -> RunFolder:
    run = Run(
        id=f"20261120T20{number // 60:02d}{number % 60:02d}-{number:06x}",
        request=replace(DISK_SPACE, command=command),
        actor=Actor(person, "session", "192.0.2.7"),
        queued_at=f"2026-11-20T20:{number // 60:02d}:{number % 60:02d}.000000+00:00",
        node="master",
    )
    RunFolder.prepare(artifacts, run)
    return RunFolder.publish(artifacts, run.id)


def end(folder: RunFolder, state: State = State.SUCCESSFUL, seconds: int = 4) -> None:
    ended = f"2026-11-20T20:00:{seconds:02d}+00:00"
    folder.write_status(Status(state, started_at="2026-11-20T20:00:00+00:00", ended_at=ended, rc=0))


def titles(index: RunIndex, **query: object) -> list[str]:
    return [row.title for row in index.page(RunQuery(**query)).runs]  # type: ignore[arg-type]


def refresh_many_times(artifacts: Path, cache: Path) -> None:
    index = RunIndex(artifacts, cache)
    for _ in range(60):
        index.refresh()


def test_runs_are_listed_newest_first_and_queued_oldest_first(artifacts: Path, index: RunIndex) -> None:
    folders = [make_run(artifacts, number, f"command {number}") for number in range(3)]
    assert titles(index) == ["command 2", "command 1", "command 0"]
    assert index.queue() == [folder.id for folder in folders]


def test_a_run_that_goes_on_or_goes_away_is_followed(artifacts: Path, index: RunIndex) -> None:
    first, second = make_run(artifacts, 1), make_run(artifacts, 2)
    assert index.counts()["queued"] == 2
    end(first, State.FAILED)
    assert index.page(RunQuery(state=State.FAILED)).runs[0].id == first.id
    shutil.rmtree(second.path)
    assert index.page(RunQuery()).total == 1


def test_words_and_signs_are_looked_for_as_they_are(artifacts: Path, index: RunIndex) -> None:
    make_run(artifacts, 1, "df -h /", "alice")
    make_run(artifacts, 2, "echo 100%_done", "bob")
    assert titles(index, text="DF web-1") == ["df -h /"]
    assert titles(index, text="0%_d") == ["echo 100%_done"]
    assert titles(index, text="%") == ["echo 100%_done"]
    assert titles(index, text="bob alice") == []


def test_pages_join_without_gap_or_double(artifacts: Path, index: RunIndex) -> None:
    for number in range(7):
        make_run(artifacts, number, str(number))
    first = index.page(RunQuery(limit=4))
    rest = index.page(RunQuery(limit=4, cursor=first.next_cursor))
    assert [row.title for row in (*first.runs, *rest.runs)] == ["6", "5", "4", "3", "2", "1", "0"]
    assert (first.total, rest.next_cursor) == (7, None)
    with pytest.raises(BadInput):
        index.page(RunQuery(cursor="elsewhere"))


def test_usual_is_what_successful_runs_of_the_same_took(artifacts: Path, index: RunIndex) -> None:
    assert index.usual(DISK_SPACE) is None
    for number, seconds in enumerate([3, 4, 30]):
        end(make_run(artifacts, number), seconds=seconds)
    end(make_run(artifacts, 9), State.FAILED, seconds=50)
    index.refresh()
    usual = index.usual(DISK_SPACE)
    assert usual is not None
    assert (usual.median_seconds, usual.p95_seconds) == (4, 30)
    assert index.usual(replace(DISK_SPACE, host_names=("web-1", "web-2"))) is None


def test_a_folder_that_cannot_be_read_is_left_out(artifacts: Path, index: RunIndex) -> None:
    make_run(artifacts, 1)
    (artifacts / "20261120T201455-ffffff").mkdir()
    (artifacts / "something-else").mkdir()
    broken = make_run(artifacts, 2)
    (broken.path / "run.json").write_text("{}")
    assert index.page(RunQuery()).total == 1


@pytest.mark.parametrize("content", [None, b"rubbish" * 1000])
def test_the_cache_may_vanish_or_rot(tmp_path: Path, artifacts: Path, index: RunIndex, content: bytes | None) -> None:
    make_run(artifacts, 1)
    assert index.page(RunQuery()).total == 1
    for path in (tmp_path / "cache").iterdir():
        path.unlink()
    if content:
        (tmp_path / "cache" / "runs.db").write_bytes(content)
    assert index.page(RunQuery()).total == 1


def test_many_processes_keep_one_index(tmp_path: Path, artifacts: Path, index: RunIndex) -> None:
    cache = tmp_path / "cache" / "runs.db"
    readers = [multiprocessing.Process(target=refresh_many_times, args=(artifacts, cache)) for _ in range(4)]
    for reader in readers:
        reader.start()
    for number in range(60):
        end(make_run(artifacts, number))
        index.refresh()
    for reader in readers:
        reader.join()
    assert [reader.exitcode for reader in readers] == [0, 0, 0, 0]
    assert index.page(RunQuery(state=State.SUCCESSFUL)).total == 60


def test_a_run_that_was_started_here_is_there_without_a_look_at_all_others(artifacts: Path, index: RunIndex) -> None:
    index.refresh()
    index._comparing_seconds = 60  # as if there were very many
    announced, found = make_run(artifacts, 1), make_run(artifacts, 2)
    index.add(announced.id)
    assert index.queue() == [announced.id]
    index._compared_at -= 3600
    assert index.queue() == [announced.id, found.id]


def test_counts_are_of_now(artifacts: Path, index: RunIndex) -> None:
    folder = make_run(artifacts, 1)
    assert index.counts()["queued"] == 1
    end(folder, State.FAILED)
    assert (index.counts()["queued"], index.counts()["failed"]) == (0, 1)


def test_the_number_of_all_that_fits_is_the_same_on_every_page(artifacts: Path, index: RunIndex) -> None:
    for number in range(5):
        make_run(artifacts, number, "df -h /")
    query = RunQuery(text="df", limit=3)
    first = index.page(query)
    second = index.page(replace(query, cursor=first.next_cursor))
    assert [(len(page.runs), page.total) for page in (first, second)] == [(3, 5), (2, 5)]


def test_the_run_before_is_the_latest_of_the_same_thing(artifacts: Path, index: RunIndex) -> None:
    commands = ["df -h /", "df -h /", "uptime", "df -h /"]
    first, second, _, third = (make_run(artifacts, number, command) for number, command in enumerate(commands))
    index.refresh()
    assert [index.before(each.run()) for each in (third, second, first)] == [second.id, first.id, None]


def test_who_cannot_wait_gets_the_newest_first_and_the_rest_the_next_times(
    tmp_path: Path, artifacts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_module, "_BATCH", 2)
    runs = [make_run(artifacts, number).id for number in range(5)]
    hasty = RunIndex(artifacts, tmp_path / "cache" / "runs.db", longest_refresh=0)
    assert hasty.queue() == runs[3:]
    assert hasty.queue() == runs[1:]
    assert hasty.queue() == runs


def test_what_another_process_has_taken_in_is_not_read_again(
    tmp_path: Path, artifacts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_module, "_BATCH", 2)
    runs = [make_run(artifacts, number).id for number in range(6)]
    hasty = RunIndex(artifacts, tmp_path / "cache" / "runs.db", longest_refresh=0)
    hasty.refresh()
    RunIndex(artifacts, tmp_path / "cache" / "runs.db").refresh()
    read: list[str] = []
    real = RunFolder.run
    monkeypatch.setattr(RunFolder, "run", lambda folder: read.append(folder.id) or real(folder))
    monkeypatch.setattr(hasty, "_went_on", lambda _connection: [])
    assert hasty.queue() == runs
    assert hasty.queue() == runs
    assert read == []


def test_runs_that_wait_are_not_read_again_at_every_look(
    artifacts: Path, index: RunIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = [make_run(artifacts, number) for number in range(3)]
    assert len(index.queue()) == 3
    index.refresh()
    read: list[str] = []
    real = RunFolder.status
    monkeypatch.setattr(RunFolder, "status", lambda folder: read.append(folder.id) or real(folder))
    assert len(index.queue()) == 3
    assert read == []
    end(waiting[1])
    assert index.queue() == [waiting[0].id, waiting[2].id]
    assert read == [waiting[1].id]


def test_what_a_slower_process_has_written_late_is_put_right(tmp_path: Path, artifacts: Path, index: RunIndex) -> None:
    run = make_run(artifacts, 1)
    run.write_status(Status(State.RUNNING, started_at="2026-11-20T20:00:00+00:00"))
    assert index.running() == index.running() == [run.id]
    with sqlite3.connect(tmp_path / "cache" / "runs.db") as late:
        late.execute("UPDATE runs SET state = 'queued'")
    late.close()
    assert (index.queue(), index.running()) == ([], [run.id])


def test_a_run_that_cannot_be_read_for_a_moment_is_taken_in_later(
    artifacts: Path, index: RunIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(artifacts, 1)
    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "run", lambda _folder: (_ for _ in ()).throw(OSError(5, "Input/output error")))
        with pytest.raises(OSError, match="Input/output"):
            index.refresh()
    assert index.queue() == [run.id]


def test_the_runs_of_a_person_are_those_of_their_tokens_too(artifacts: Path, index: RunIndex) -> None:
    for number, person in enumerate(("alice", "alice/nightly", "alicia", "bob", "bob/alice")):
        make_run(artifacts, number, person=person)
    found = index.page(RunQuery(person="alice"))
    assert [row.person for row in found.runs] == ["alice/nightly", "alice"]
    assert found.total == 2
