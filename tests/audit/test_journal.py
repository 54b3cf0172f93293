"""The journal keeps every action, in one chain, whatever happens around it."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import signal
import time
from pathlib import Path

import pytest

from selfservice.audit.actions import Action, Actor, Kind
from selfservice.audit.journal import Journal, JournalError, day_files
from selfservice.audit.verification import report, verify

ALICE = Actor("alice", "session", "192.0.2.7")


def launch(target: str = "df -h /") -> Action:
    return Action(Kind.RUN_LAUNCH, ALICE, target, hosts=("web-1",), run_id="20261120T201455-7f3a9c")


def lines(folder: Path) -> list[str]:
    return [line for path in day_files(folder) for line in path.read_text().split("\n") if line]


def append_many(folder: Path, count: int) -> None:
    journal = Journal(folder, "master")
    for number in range(count):
        journal.append(launch(f"command {number}"))


def append_for_ever(folder: Path) -> None:
    journal = Journal(folder, "master")
    while True:
        journal.append(launch("x" * 3000))


def test_an_action_is_one_line_that_says_who_did_what_to_what_from_where(tmp_path: Path) -> None:
    Journal(tmp_path, "master").append(launch())
    (line,) = lines(tmp_path)
    value = json.loads(line)
    assert value["actor"] == {"name": "alice", "via": "session", "address": "192.0.2.7"}
    assert (value["kind"], value["target"], value["outcome"]) == ("run:launch", "df -h /", "ok")
    assert (value["hosts"], value["node"]) == (["web-1"], "master")


def test_line_breaks_in_what_people_send_cannot_make_a_second_line(tmp_path: Path) -> None:
    Journal(tmp_path, "master").append(launch("a\nb\u2028c\ud800"))
    assert len(lines(tmp_path)) == 1
    assert verify(tmp_path).ok


def test_many_processes_write_one_chain(tmp_path: Path) -> None:
    workers = [multiprocessing.Process(target=append_many, args=(tmp_path, 25)) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    outcome = verify(tmp_path)
    assert (outcome.ok, outcome.lines) == (True, 200)


def test_a_process_killed_while_it_writes_never_breaks_the_chain(tmp_path: Path) -> None:
    for _ in range(10):
        writer = multiprocessing.Process(target=append_for_ever, args=(tmp_path,))
        before = sum(path.stat().st_size for path in day_files(tmp_path))
        writer.start()
        deadline = time.monotonic() + 10
        while sum(path.stat().st_size for path in day_files(tmp_path)) <= before:
            assert time.monotonic() < deadline
        assert writer.pid is not None
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
        Journal(tmp_path, "master").append(launch())
    assert verify(tmp_path).ok


def test_a_torn_last_line_is_set_aside_and_said(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "master")
    journal.append(launch())
    (path,) = day_files(tmp_path)
    with path.open("ab") as file:
        file.write(b'{"schema":1,"time":"2026')
    assert verify(tmp_path).bad_line == 2
    journal.append(launch())
    assert [json.loads(line)["kind"] for line in lines(tmp_path)] == ["run:launch", "audit:torn-line", "run:launch"]
    outcome = verify(tmp_path)
    assert outcome.ok
    assert outcome.torn == (f"{path.stem}.torn-1",)
    assert (tmp_path / outcome.torn[0]).read_bytes() == b'{"schema":1,"time":"2026'


def test_the_chain_goes_on_over_days_and_over_a_clock_that_was_set_back(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "master")
    journal.append(launch())
    (today,) = day_files(tmp_path)
    today.rename(tmp_path / "2099-01-01.jsonl")
    journal.append(launch())
    assert [path.name for path in day_files(tmp_path)] == ["2099-01-01.jsonl"]
    (tmp_path / "2099-01-01.jsonl").rename(tmp_path / "2001-01-01.jsonl")
    journal.append(launch())
    assert len(day_files(tmp_path)) == 2
    assert verify(tmp_path).lines == 3


def test_a_full_disk_refuses_the_action_and_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    Journal(tmp_path, "master").append(launch())
    (path,) = day_files(tmp_path)
    size = path.stat().st_size

    def append_with_no_room() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 10, size + 10))
        try:
            Journal(tmp_path, "master").append(launch())
        except JournalError as error:
            os._exit(7 if "nothing was done" in error.sentence else 1)
        os._exit(0)

    child = multiprocessing.get_context("fork").Process(target=append_with_no_room)
    child.start()
    child.join()
    assert child.exitcode == 7
    assert path.stat().st_size == size
    assert verify(tmp_path).ok


def test_a_folder_that_is_not_there_refuses_the_action_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="nothing was done"):
        Journal(tmp_path / "gone", "master").append(launch())


@pytest.mark.parametrize(
    "harm, line, sentence",
    [
        (lambda lines: [lines[0], lines[1].replace("command 1", "command 9"), *lines[2:]], 2, "changed"),
        (lambda lines: [lines[0], *lines[2:]], 2, "removed"),
        (lambda lines: [lines[1], lines[0], *lines[2:]], 1, "removed, added or moved"),
        (lambda lines: [lines[0], lines[0], *lines[1:]], 2, "removed, added or moved"),
        (lambda lines: [*lines[:2], "not json", *lines[2:]], 3, "not a line of this journal"),
    ],
)
def test_whatever_is_done_to_a_line_the_first_bad_one_is_named(
    tmp_path: Path, harm: object, line: int, sentence: str
) -> None:
    append_many(tmp_path, 5)
    (path,) = day_files(tmp_path)
    path.write_text("\n".join(harm(path.read_text().splitlines())) + "\n")  # type: ignore[operator]
    outcome = verify(tmp_path)
    assert (outcome.bad_file, outcome.bad_line) == (path.name, line)
    assert sentence in report(outcome)


def test_a_day_that_was_taken_away_is_noticed(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "master")
    for day in ("2001-01-01", "2001-01-02"):
        journal.append(launch())
        max(day_files(tmp_path)).rename(tmp_path / f"{day}.jsonl")
    journal.append(launch())
    assert verify(tmp_path).ok
    (tmp_path / "2001-01-02.jsonl").unlink()
    assert verify(tmp_path).bad_line == 1
