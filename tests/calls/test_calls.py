"""Calls: kept before they are sent, each answer taken once, nothing told twice."""

from __future__ import annotations

from typing import Any

import pytest

from selfservice.audit.actions import Actor
from selfservice.audit.journal import Journal, day_files
from selfservice.calls.call import AnswerState, Call, CallKind, NewCall, NodeAnswer
from selfservice.calls.call_files import CallFiles, CallNotFound
from selfservice.calls.calls import Calls, counts
from selfservice.errors import BadInput
from selfservice.nodes.nodes import Nodes
from selfservice.settings import Settings
from selfservice.store.database import Database

ALICE = Actor("alice", "session", "127.0.0.1")
DISK_USAGE = NewCall(CallKind.TASK, ("web-1", "web-2"), type="disk_usage")


@pytest.fixture
def calls(settings: Settings) -> Calls:
    journal = Journal(settings.audit, "master")
    nodes = Nodes(Database(settings), journal, settings)
    for name in ("web-1", "web-2", "gone"):
        nodes.add(name, f"https://{name}.example.org", ALICE)
    nodes.revoke("gone", ALICE)
    return Calls(settings, nodes, journal)


def task(call: Call, **changed: Any) -> dict[str, Any]:
    """What a node says of its task, at the end of it."""
    return {
        "id": "20261121T000000-abcdef", "callback": call.id, "state": "successful", "result": {"disks": []},
        "why": "", "seconds": 7.5, **changed,
    }  # fmt: skip


def test_a_call_is_kept_open_and_audited_before_anything_is_sent(calls: Calls, settings: Settings) -> None:
    call = calls.send(DISK_USAGE, ALICE)
    assert calls.files.open() == [call.id]
    assert calls.files.get(call.id) == call
    assert [answer.state for answer in calls.files.answers(call)] == [AnswerState.QUEUED] * 2
    assert '"call:send"' in day_files(settings.audit)[0].read_text()


def test_a_result_that_comes_later_is_taken_once(calls: Calls) -> None:
    call = calls.send(DISK_USAGE, ALICE)
    assert calls.accept("web-1", task(call)) is True
    assert calls.accept("web-1", task(call, result="another")) is False
    answer = calls.files.answer(call.id, "web-1")
    assert (answer.state, answer.result, answer.seconds) == (AnswerState.SUCCESSFUL, {"disks": []}, 7.5)


@pytest.mark.parametrize("callback", ["20261121T000000-ffffff", "../../instance", "x" * 200])
def test_a_result_for_an_unknown_call_is_refused(calls: Calls, callback: str) -> None:
    call = calls.send(DISK_USAGE, ALICE)
    with pytest.raises(CallNotFound):
        calls.accept("web-1", task(call, callback=callback))


def test_a_node_answers_for_itself_and_its_own_task_alone(calls: Calls) -> None:
    call = calls.send(NewCall(CallKind.TASK, ("web-1",), type="disk_usage"), ALICE)
    with pytest.raises(CallNotFound, match="was not sent to web-2"):
        calls.accept("web-2", task(call))
    calls.files.change(call.id, "web-1", lambda known: NodeAnswer("web-1", AnswerState.LATER, "20261121T000000-000001"))
    with pytest.raises(CallNotFound, match="another task"):
        calls.accept("web-1", task(call))


@pytest.mark.parametrize(
    "changed",
    [{"id": None}, {"callback": 5}, {"state": "done"}, {"state": None}, {"seconds": "soon"}, {"seconds": []}],
)
def test_a_result_that_is_none_is_refused_and_changes_nothing(calls: Calls, changed: dict[str, Any]) -> None:
    call = calls.send(DISK_USAGE, ALICE)
    with pytest.raises(BadInput):
        calls.accept("web-1", task(call, **changed))
    assert calls.files.answer(call.id, "web-1").state is AnswerState.QUEUED


def test_a_task_that_nobody_waits_for_needs_no_call(calls: Calls) -> None:
    call = calls.send(DISK_USAGE, ALICE)
    assert calls.accept("web-1", task(call, callback="")) is False


def test_the_same_key_by_the_same_person_is_the_same_call(calls: Calls) -> None:
    new = NewCall(CallKind.TASK, ("web-1",), type="disk_usage", key="once")
    first = calls.send(new, ALICE)
    assert calls.send(new, ALICE).id == first.id
    assert calls.send(new, Actor("bob", "session", "127.0.0.1")).id != first.id


@pytest.mark.parametrize(
    "new, field",
    [
        (NewCall(CallKind.TASK, (), type="disk_usage"), "nodes"),
        (NewCall(CallKind.TASK, ("nothing",), type="disk_usage"), "nodes"),
        (NewCall(CallKind.TASK, ("gone",), type="disk_usage"), "nodes"),
        (NewCall(CallKind.HTTP, ("web-1",), method="TRACE", path="/"), "method"),
        (NewCall(CallKind.HTTP, ("web-1",), path="//evil.example.org"), "path"),
        (NewCall(CallKind.HTTP, ("web-1",), path="/", headers={"Authorization": "Bearer x"}), "headers"),
        (NewCall(CallKind.HTTP, ("web-1",), path="/", headers={"Host": "evil"}), "headers"),
        (NewCall(CallKind.HTTP, ("web-1",), path="/", headers={"X": "a\r\nHost: evil"}), "headers"),
    ],
)
def test_what_cannot_be_sent_is_refused_by_name(calls: Calls, new: NewCall, field: str) -> None:
    with pytest.raises(BadInput) as caught:
        calls.send(new, ALICE)
    assert caught.value.field == field
    assert calls.files.open() == []


def test_answers_are_counted_as_people_tell_them_apart() -> None:
    states = [AnswerState.SUCCESSFUL, AnswerState.LATER, AnswerState.QUEUED, AnswerState.REFUSED, AnswerState.LOST]
    assert counts([NodeAnswer("n", state) for state in states]) == {
        "total": 5, "successful": 1, "open": 2, "failed": 2,
    }  # fmt: skip


def test_the_oldest_calls_go_but_none_that_is_open(settings: Settings) -> None:
    files = CallFiles(settings.instance / "calls", kept=2)
    for number in range(4):
        files.create(Call(f"20261121T00000{number}-abcdef", DISK_USAGE, ALICE, "t"))
        if number:
            files.close(f"20261121T00000{number}-abcdef")
    files.create(Call("20261121T000009-abcdef", DISK_USAGE, ALICE, "t"))
    assert [call.id[13:15] for call in files.latest(10)] == ["09", "03", "00"]
    assert [call.id[13:15] for call in files.latest(1, before="20261121T000009-abcdef")] == ["03"]
