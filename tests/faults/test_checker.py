"""The checker finds each kind of violation where one is planted, and none in a clean set."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.faults.checker import check

RUN = "20261121T120000-aaaaaa"
OTHER = "20261121T120001-bbbbbb"
CALL = "20261121T120002-cccccc"
TASK = "20261121T120003-dddddd"


class Left:
    """What a driver left: one command, one call and one alert, all well. Tests then spoil it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.master, self.worker = folder / "homes" / "master", folder / "homes" / "worker-1"
        self.proc = folder / "proc"
        for path in ("marks", "proc", "tmp"):
            (folder / path).mkdir()
        for home in (self.master, self.worker):
            for name in ("audit", "instance/tasks", "instance/outbox"):
                (home / name).mkdir(parents=True)
        homes = {"master": str(self.master), "worker-1": str(self.worker)}
        self.write("site.json", {"homes": homes})
        self.write("canaries.json", {"a password": "canary-1"})
        self.asked: list[dict[str, Any]] = []
        self.ask("work-1", "command", 201, RUN, hosts=["web-1"])
        self.ask("work-2", "call", 202, CALL, hosts=["worker-1"])
        self.ask("work-3", "alert", 201, "1", hosts=[])
        self.mark("web-1", "work-1 begin", "work-1 end")
        self.mark("worker-1", "work-2 begin", "work-2 end")
        self.run(RUN, "work-1")
        self.call()
        self.task(TASK)
        with closing(sqlite3.connect(self.master / "instance" / "selfservice.db")) as database, database:
            database.execute("CREATE TABLE alerts (message TEXT)")
            database.execute("INSERT INTO alerts VALUES ('work-3')")
        self.audit(
            self.master,
            {"kind": "run:launch", "run_id": RUN},
            {"kind": "call:send", "detail": {"call": CALL}},
            {"kind": "alert:send", "target": "work-3"},
        )
        self.audit(self.worker, {"kind": "task:start", "detail": {"task": TASK}})

    def write(self, path: str, value: Any) -> None:
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(json.dumps(value))

    def ask(self, tag: str, kind: str, status: int | None, found: str, *, hosts: list[str], **more: Any) -> None:
        common = {"tag": tag, "kind": kind, "step": "ask", "attempt": 1, **more}
        self.asked.append({**common, "when": "before", "work": {"hosts": hosts, "exit_code": 0}})
        self.asked.append({**common, "when": "after", "status": status, "id": found})
        (self.folder / "ledger.jsonl").write_text("".join(json.dumps(each) + "\n" for each in self.asked))

    def mark(self, host: str, *lines: str) -> None:
        (self.folder / "marks" / host).write_text("".join(f"{line}\n" for line in lines))

    def run(self, run_id: str, tag: str, **state: Any) -> Path:
        folder = self.master / "artifacts" / run_id
        here = f"homes/master/artifacts/{run_id}"
        self.write(f"{here}/run.json", {"request": {"command": f"/bin/mark {tag} 0 0"}})
        self.write(f"{here}/state.json", {"state": "successful", "rc": 0, "why": "", "ended_at": "now", **state})
        hosts = [{"name": "web-1", "failed": 0, "unreachable": 0}]
        self.write(f"{here}/summary.json", {"hosts": hosts})
        (folder / "rc").write_text("0")
        (folder / "status").write_text("successful")
        events = [{"counter": 1, "event": "runner_on_ok"}, {"counter": 2, "event": "playbook_on_stats"}]
        (folder / "events.jsonl").write_text("".join(json.dumps(each) + "\n" for each in events))
        return folder

    def call(self, **answer: Any) -> None:
        folder = f"homes/master/instance/calls/{CALL}"
        self.write(f"{folder}/call.json", {})
        self.write(f"{folder}/answers/worker-1.json", {"state": "successful", "result": "work-2", "why": "", **answer})

    def task(self, task_id: str, **more: Any) -> None:
        task = {"id": task_id, "request": {"callback": CALL}, "state": "successful", "result": "work-2", **more}
        self.write(f"homes/worker-1/instance/tasks/{task_id}.json", task)

    def audit(self, home: Path, *actions: dict[str, Any]) -> None:
        previous, lines = "0" * 64, []
        for action in actions:
            value = {"run_id": None, "target": "", "detail": {}, **action, "prev": previous}
            text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
            value["hash"] = previous = hashlib.sha256(text.encode()).hexdigest()
            lines.append(json.dumps(value) + "\n")
        (home / "audit" / "2026-11-21.jsonl").write_text("".join(lines))

    def process(self, pid: str, title: bytes) -> None:
        (self.proc / pid).mkdir()
        (self.proc / pid / "cmdline").write_bytes(title)
        (self.proc / pid / "environ").write_bytes(f"A=1\0SELFSERVICE_HOME={self.master}\0".encode())
        (self.proc / pid / "stat").write_text(f"{pid} (python) S 1 1")

    def violations(self) -> set[str]:
        return {each.kind for each in check(self.folder, self.proc)}


@pytest.fixture
def left(tmp_path: Path) -> Left:
    return Left(tmp_path)


def test_a_clean_set_has_no_violations(left: Left) -> None:
    left.process("7", b"ssh: /tmp/cp/1 [mux]\0")
    assert check(left.folder, left.proc) == []


def _run_lost(left: Left) -> None:
    (left.master / "artifacts" / RUN).rename(left.master / "artifacts" / ".gone")
    left.mark("web-1")


def _two_folders(left: Left) -> None:
    left.run(OTHER, "work-1")


def _two_answers(left: Left) -> None:
    left.ask("work-1", "command", 201, OTHER, hosts=["web-1"], attempt=2)


def _refused_and_queued(left: Left) -> None:
    left.asked[1]["status"] = 503
    left.ask("work-4", "alert", 503, "", hosts=[])


def _no_end(left: Left) -> None:
    left.run(RUN, "work-1", state="running")


def _torn_state(left: Left) -> None:
    (left.master / "artifacts" / RUN / "state.json").write_text('{"state": "succ')


def _twice(left: Left) -> None:
    left.mark("web-1", "work-1 begin", "work-1 end", "work-1 begin", "work-1 end")


def _never_ran(left: Left) -> None:
    left.mark("web-1")


def _ran_all_the_same(left: Left) -> None:
    left.run(RUN, "work-1", state="failed", why="Canceled before it could begin.", rc=None)


def _canceled_by_nobody(left: Left) -> None:
    left.run(RUN, "work-1", state="canceled", why="Canceled by eve.", rc=None)


def _lost_without_a_word(left: Left) -> None:
    left.run(RUN, "work-1", state="lost", why="", rc=None)


def _failed_though_all_went_well(left: Left) -> None:
    left.run(RUN, "work-1", state="failed", why="It did not work.")


def _other_code(left: Left) -> None:
    (left.master / "artifacts" / RUN / "rc").write_text("2")


def _torn_event(left: Left) -> None:
    with (left.master / "artifacts" / RUN / "events.jsonl").open("a") as file:
        file.write('{"counter": 3, "ev')


def _event_missing(left: Left) -> None:
    (left.master / "artifacts" / RUN / "events.jsonl").write_text('{"counter": 1, "event": "runner_on_ok"}\n')


def _changed_line(left: Left) -> None:
    path = left.master / "audit" / "2026-11-21.jsonl"
    path.write_text(path.read_text().replace("work-3", "work-4"))


def _removed_line(left: Left) -> None:
    path = left.master / "audit" / "2026-11-21.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))


def _torn_line(left: Left) -> None:
    with (left.worker / "audit" / "2026-11-21.jsonl").open("a") as file:
        file.write('{"kind": ')


def _line_missing(left: Left) -> None:
    left.audit(left.master, {"kind": "run:launch", "run_id": RUN})


def _cancellation_not_in_the_audit(left: Left) -> None:
    left.ask("work-1", "command", 202, "", hosts=["web-1"], step="cancel")


def _task_not_in_the_audit(left: Left) -> None:
    left.audit(left.worker)


def _alert_without_a_row(left: Left) -> None:
    with closing(sqlite3.connect(left.master / "instance" / "selfservice.db")) as database, database:
        database.execute("DELETE FROM alerts")


def _mark_without_a_file(left: Left) -> None:
    left.ask("work-1", "command", 204, "", hosts=["web-1"], step="keep")


def _call_lost(left: Left) -> None:
    (left.master / "instance" / "calls" / CALL / "call.json").unlink()


def _answer_open(left: Left) -> None:
    left.call(state="later")


def _answer_without_a_mark(left: Left) -> None:
    left.mark("worker-1", "work-2 begin")


def _result_lost(left: Left) -> None:
    left.call(state="unreachable", why="The connection broke.", result=None)


def _result_of_another(left: Left) -> None:
    left.task(TASK, result="work-9")


def _result_waiting(left: Left) -> None:
    left.write(f"homes/worker-1/instance/outbox/{TASK}.json", {})


def _task_doubled(left: Left) -> None:
    left.task(TASK)
    left.task("20261121T120009-eeeeee")


def _task_open(left: Left) -> None:
    left.task(TASK, state="running", result=None)


def _private_folder(left: Left) -> None:
    (left.master / "instance" / "private" / RUN).mkdir(parents=True)


def _reserve(left: Left) -> None:
    (left.master / "artifacts" / RUN / ".reserve").touch()


def _orphan(left: Left) -> None:
    left.process("7", b"ansible-playbook\0x.yml\0")


def _secret(left: Left) -> None:
    (left.master / "artifacts" / RUN / "stdout").write_text("the password is canary-1")


@pytest.mark.parametrize(
    ("plant", "kind"),
    [
        (_run_lost, "run lost"),
        (_two_folders, "launched twice"),
        (_two_answers, "launched twice"),
        (_refused_and_queued, "refused but queued"),
        (_no_end, "run without an end"),
        (_torn_state, "run unreadable"),
        (_twice, "ran twice"),
        (_never_ran, "untruthful end"),
        (_ran_all_the_same, "untruthful end"),
        (_canceled_by_nobody, "untruthful end"),
        (_lost_without_a_word, "untruthful end"),
        (_failed_though_all_went_well, "untruthful end"),
        (_other_code, "files disagree"),
        (_torn_event, "files disagree"),
        (_event_missing, "files disagree"),
        (_changed_line, "audit broken"),
        (_removed_line, "audit broken"),
        (_torn_line, "audit broken"),
        (_line_missing, "audit line missing"),
        (_cancellation_not_in_the_audit, "audit line missing"),
        (_task_not_in_the_audit, "audit line missing"),
        (_alert_without_a_row, "record lost"),
        (_mark_without_a_file, "record lost"),
        (_call_lost, "call lost"),
        (_answer_open, "answer without an end"),
        (_answer_without_a_mark, "untruthful answer"),
        (_result_lost, "task result lost"),
        (_result_of_another, "task result lost"),
        (_result_waiting, "task result lost"),
        (_task_doubled, "task doubled"),
        (_task_open, "task without an end"),
        (_private_folder, "leftover"),
        (_reserve, "leftover"),
        (_orphan, "orphan process"),
        (_secret, "secret in a file"),
    ],
)
def test_a_planted_violation_is_found(left: Left, plant: Callable[[Left], None], kind: str) -> None:
    plant(left)
    assert kind in left.violations()


def test_a_run_that_ran_without_a_folder_is_found(left: Left) -> None:
    _run_lost(left)
    left.mark("web-1", "work-1 begin")
    assert {"run lost", "ran without a folder"} <= left.violations()


def test_a_process_that_ended_is_no_orphan(left: Left) -> None:
    left.process("7", b"")
    (left.proc / "7" / "stat").write_text("7 (python) Z 1 1")
    assert left.violations() == set()
