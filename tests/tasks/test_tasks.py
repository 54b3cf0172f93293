"""Tasks: each in a process of its own, none able to hurt the node, none forgotten."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from selfservice.audit.journal import day_files
from selfservice.errors import BadInput
from selfservice.runs.processes import started
from selfservice.tasks.task import Task, TaskRequest, TaskState
from selfservice.tasks.task_files import RunningTasks, TaskFiles, TaskNotFound
from selfservice.tasks.task_types import UnknownTaskType
from selfservice.tasks.tasks import KeyOfOther, TaskEnded, Tasks, TasksFull
from tests.system.conftest import wait_for
from tests.tasks.conftest import MASTER, MakeTasks


def done(tasks: Tasks, name: str, **params: object) -> Task:
    task = tasks.start(TaskRequest(name, params), MASTER)
    ended = tasks.wait(task.id, 30)
    assert ended.state.ended
    return ended


def under_way(tasks: Tasks, folder: Path, **named: str) -> Task:
    """A task that waits for folder/go; its process has begun."""
    mark = folder / f"mark-{len(list(folder.glob('mark-*')))}"
    params = {"path": str(folder / "go"), "mark": str(mark)}
    task = tasks.start(TaskRequest("wait_for_file", params, **named), MASTER)
    wait_for(mark.exists)
    return task


def test_a_quick_one_gives_its_result_and_nothing_is_reported(tasks: Tasks, reports: list[Task]) -> None:
    task = done(tasks, "memory_and_load")
    assert task.state is TaskState.SUCCESSFUL
    assert task.result["memory"]["total"] > 0
    assert task.seconds is not None
    assert reports == []


@pytest.mark.parametrize(
    "name, state, why",
    [
        ("never_ends", TaskState.TIMED_OUT, "It was not done after 1 s."),
        ("eats_memory", TaskState.FAILED, "It needed more than the 64 MiB of memory it may take."),
        ("dies", TaskState.FAILED, "Its process ended without a result (exit code 3)."),
        ("fails", TaskState.FAILED, "The tank is empty."),
        ("tells_a_lot", TaskState.FAILED, "Its result is too large to send (1.0 MiB); ask for less at a time."),
    ],
)
def test_a_bad_one_fails_with_a_sentence_and_the_next_one_works(
    tasks: Tasks, name: str, state: TaskState, why: str
) -> None:
    task = done(tasks, name)
    assert (task.state, task.why, task.result) == (state, why, None)
    assert done(tasks, "disk_usage").state is TaskState.SUCCESSFUL


def test_its_process_has_no_secrets(tasks: Tasks) -> None:
    names = done(tasks, "tells_its_environment").result
    assert "SELFSERVICE_TASKS_FOLDER" in names
    assert "MASTER_BEARER_TOKEN" not in names


def test_a_slow_one_goes_on_and_is_reported_once_it_has_ended(
    tasks: Tasks, tmp_path: Path, reports: list[Task]
) -> None:
    task = under_way(tasks, tmp_path, callback="call-1")
    assert tasks.wait(task.id, 0).state is TaskState.RUNNING
    (tmp_path / "go").touch()
    wait_for(lambda: reports)
    assert [(each.id, each.result, each.request.callback) for each in reports] == [(task.id, "there", "call-1")]


def test_canceling_ends_it_with_all_it_has_started(tasks: Tasks, tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    task = tasks.start(TaskRequest("starts_another", {"mark": str(mark)}), MASTER)
    wait_for(lambda: mark.exists() and mark.read_text())
    ended = tasks.cancel(task.id, MASTER)
    assert (ended.state, ended.why) == (TaskState.CANCELED, "Canceled by master.")
    wait_for(lambda: started(int(mark.read_text())) is None)
    with pytest.raises(TaskEnded):
        tasks.cancel(task.id, MASTER)


def test_one_too_many_is_told_to_come_again(make_tasks: MakeTasks, tmp_path: Path) -> None:
    tasks = make_tasks(at_once=1)
    first = under_way(tasks, tmp_path)
    with pytest.raises(TasksFull):
        tasks.start(TaskRequest("disk_usage", {}), MASTER)
    (tmp_path / "go").touch()
    tasks.wait(first.id, 30)
    assert done(tasks, "disk_usage").state is TaskState.SUCCESSFUL


def test_the_same_key_is_the_same_task_also_after_a_restart(make_tasks: MakeTasks) -> None:
    request = TaskRequest("list_folder", {"path": "/"}, key="once")
    first = make_tasks().start(request, MASTER)
    again = make_tasks()
    assert again.start(request, MASTER).id == first.id
    with pytest.raises(KeyOfOther):
        again.start(TaskRequest("disk_usage", {}, key="once"), MASTER)


def test_what_a_stopped_node_left_is_lost_and_reported_with_a_sentence(
    make_tasks: MakeTasks, tmp_path: Path, reports: list[Task]
) -> None:
    before = make_tasks()
    task = under_way(before, tmp_path)
    after = make_tasks()
    assert after.get(task.id).state is TaskState.LOST
    assert "does not know how far it came" in after.get(task.id).why
    assert [each.id for each in reports] == [task.id]
    assert "task:lost" in day_files(tmp_path / "audit")[0].read_text()
    os.kill(int((tmp_path / "mark-0").read_text()), 9)


def test_what_the_master_does_not_have_is_reported_again_after_a_restart(
    make_tasks: MakeTasks, tmp_path: Path, reports: list[Task]
) -> None:
    tasks = make_tasks()
    task = under_way(tasks, tmp_path)
    tasks.wait(task.id, 0)
    (tmp_path / "go").touch()
    wait_for(lambda: reports)
    make_tasks()
    assert [(each.id, each.result) for each in reports] == [(task.id, "there")] * 2
    make_tasks().reported(task.id)
    make_tasks()
    assert len(reports) == 3


@pytest.mark.parametrize(
    "params, field",
    [
        ({}, "params.path"),
        ({"path": "relative"}, "params.path"),
        ({"path": 5}, "params.path"),
        ({"path": "/", "recursive": "yes"}, "params.recursive"),
        ({"path": "/", "unknown": 1}, "params.unknown"),
        ({"path": "/\0"}, "params.path"),
        ({"path": "/" * 5000}, "params.path"),
    ],
)
def test_parameters_that_cannot_be_are_refused_by_name(tasks: Tasks, params: dict[str, object], field: str) -> None:
    with pytest.raises(BadInput) as caught:
        tasks.start(TaskRequest("count_folders", params), MASTER)
    assert caught.value.field == field
    assert tasks.all() == []


def test_unknown_types_and_tasks_are_said_to_be_unknown(tasks: Tasks) -> None:
    with pytest.raises(UnknownTaskType):
        tasks.start(TaskRequest("rm_rf", {}), MASTER)
    for task_id in ("20261121T000000-abcdef", "../../etc/passwd", ""):
        with pytest.raises(TaskNotFound):
            tasks.get(task_id)


def test_a_file_of_types_that_cannot_be_loaded_spoils_no_other(tasks: Tasks) -> None:
    assert any("broken.py" in place for place in tasks.registry.troubles)
    assert tasks.registry.get("fails").title == "Fails"


def test_the_usual_time_comes_from_those_that_were_successful(tasks: Tasks) -> None:
    assert tasks.usual_seconds("disk_usage") is None
    took = done(tasks, "disk_usage").seconds
    assert tasks.usual_seconds("disk_usage") == took


def test_the_oldest_go_but_none_that_is_still_awaited(tmp_path: Path) -> None:
    kept = TaskFiles(tmp_path, kept=2)
    waiting = Task("20261121T000000-00000a", TaskRequest("a", {}), MASTER, TaskState.FAILED, "t", answers_later=True)
    kept.put(waiting)
    for number in range(4):
        kept.put(Task(f"20261121T00000{number}-00000b", TaskRequest("a", {}), MASTER, TaskState.FAILED, "t"))
    left = ["20261121T000003-00000b", "20261121T000002-00000b", waiting.id]
    assert [task.id for task in kept.all()] == left
    assert [task.id for task in TaskFiles(tmp_path).all()] == left


def test_what_a_killed_process_was_writing_goes_at_the_next_start(tmp_path: Path) -> None:
    unfinished = tmp_path / ".20261121T000000-00000a.json.ec251645"
    unfinished.write_text("{")
    assert TaskFiles(tmp_path).all() == []
    assert not unfinished.exists()


def test_another_process_counts_those_under_way(tmp_path: Path) -> None:
    running = RunningTasks(tmp_path / "tasks")
    assert running.count() == 0
    kept = TaskFiles(tmp_path / "tasks")
    tasks = [Task(f"20261121T00000{n}-00000b", TaskRequest("a", {}), MASTER, TaskState.RUNNING, "t") for n in range(2)]
    for task in tasks:
        kept.put(task)
    assert running.count() == 2
    kept.put(tasks[0].end(TaskState.SUCCESSFUL))
    assert running.count() == 1
    (tmp_path / "tasks" / f"{tasks[1].id}.json").unlink()
    assert running.count() == 0
