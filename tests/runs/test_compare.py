"""Comparing two runs names what became of each task on each host."""

from __future__ import annotations

from selfservice.runs.compare import Comparison, compare
from selfservice.runs.events import Result, Results


def made(*results: tuple[str, str, str]) -> Results:
    """Results of (host, task name, status), each task with an id of its own run."""
    ids = {name: f"{id(results)}-{name}" for _, name, _ in results}
    found = Results(tasks={key: name.rstrip("'") for name, key in ids.items()})
    found.results = [
        Result(host, ids[name], status, started_at=None, seconds=1.0, line=0, counter=1)
        for host, name, status in results
    ]
    return found


def differences(found: Comparison) -> list[tuple[str, str, str]]:
    return [(row.host, row.task, row.difference.value) for row in found.rows]


def test_each_task_on_each_host_is_named() -> None:
    before = made(
        ("web-1", "copy", "changed"), ("web-1", "start", "ok"), ("web-2", "copy", "ok"), ("web-1", "old", "ok")
    )
    after = made(("web-1", "copy", "ok"), ("web-1", "start", "ok"), ("web-2", "copy", "failed"), ("web-1", "new", "ok"))
    found = compare(before, after)
    assert differences(found) == [
        ("web-1", "copy", "changed"),
        ("web-1", "start", "same"),
        ("web-1", "new", "new"),
        ("web-1", "old", "gone"),
        ("web-2", "copy", "new_failure"),
    ]
    assert found.counts == {"same": 1, "changed": 1, "new_failure": 1, "new": 1, "gone": 1}
    assert len(found.differences) == 4


def test_tasks_of_the_same_name_are_told_apart_by_their_order() -> None:
    before = made(("web-1", "wait", "ok"), ("web-1", "wait'", "ok"))
    after = made(("web-1", "wait", "ok"), ("web-1", "wait'", "failed"))
    assert differences(compare(before, after)) == [("web-1", "wait", "same"), ("web-1", "wait (2)", "new_failure")]


def test_a_failure_that_was_there_before_is_no_new_one() -> None:
    run = made(("web-1", "start", "failed"))
    assert compare(run, run).counts["new_failure"] == 0
