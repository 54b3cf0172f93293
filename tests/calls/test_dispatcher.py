"""The dispatcher against a node whose connections break: what it may have done is asked for, not given up."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from selfservice.audit.actions import Actor
from selfservice.audit.journal import Journal
from selfservice.calls import dispatcher as module
from selfservice.calls.call import AnswerState, Call, CallKind, NewCall, NodeAnswer
from selfservice.calls.calls import Calls
from selfservice.calls.dispatcher import Dispatcher
from selfservice.nodes.nodes import Nodes
from selfservice.settings import Settings
from selfservice.store.database import Database
from tests.system.conftest import wait_for

ALICE = Actor("alice", "session", "127.0.0.1")


class BreakingNode(ThreadingHTTPServer):
    """A node that does each task once, by its key, and breaks the connection before its first answers."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.unheard = 1
        self.keys: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    server: BreakingNode

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.keys.append(self.headers.get("Idempotency-Key", ""))
        if len(self.server.keys) <= self.server.unheard:
            return
        answer = json.dumps({"id": "20261121T000000-abcdef", "state": "successful", "result": "done"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Not to standard error."""


@pytest.fixture
def node() -> Iterator[BreakingNode]:
    with BreakingNode() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def sent(settings: Settings, node: BreakingNode, monkeypatch: pytest.MonkeyPatch) -> Callable[[NewCall], NodeAnswer]:
    """Sends a call to that node; gives the answer that stays."""
    monkeypatch.setattr(module, "_REPEAT_SECONDS", 0.0)
    journal = Journal(settings.audit, "master")
    nodes = Nodes(Database(settings), journal, settings)
    nodes.add("web-1", f"http://127.0.0.1:{node.server_port}", ALICE)
    calls = Calls(settings, nodes, journal)
    dispatcher = Dispatcher(settings, calls, nodes)

    def send(new: NewCall) -> NodeAnswer:
        call = calls.send(new, ALICE)

        def ended() -> bool:
            dispatcher.turn()
            return calls.files.answer(call.id, "web-1").state.ended

        wait_for(ended)
        return calls.files.answer(call.id, "web-1")

    return send


def test_a_task_whose_answer_was_not_heard_is_asked_for_again_by_its_key(
    sent: Callable[[NewCall], NodeAnswer], node: BreakingNode
) -> None:
    answer = sent(NewCall(CallKind.TASK, ("web-1",), type="disk_usage"))
    assert (answer.state, answer.result) == (AnswerState.SUCCESSFUL, "done")
    assert len(node.keys) == 2 and len(set(node.keys)) == 1


def test_a_task_that_was_never_heard_of_again_is_lost_and_not_called_unreachable(
    sent: Callable[[NewCall], NodeAnswer], node: BreakingNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_DOUBT_SECONDS", 0.2)
    node.unheard = 1_000_000
    answer = sent(NewCall(CallKind.TASK, ("web-1",), type="disk_usage"))
    assert answer.state is AnswerState.LOST
    assert "Whether it has done the task is not known" in answer.why


def test_a_request_of_any_kind_is_sent_once_whatever_becomes_of_its_answer(
    sent: Callable[[NewCall], NodeAnswer], node: BreakingNode
) -> None:
    answer = sent(NewCall(CallKind.HTTP, ("web-1",), method="POST", path="/anything", body={}))
    assert (answer.state, len(node.keys)) == (AnswerState.UNREACHABLE, 1)


def test_a_task_that_nothing_can_have_reached_is_unreachable_at_once(
    sent: Callable[[NewCall], NodeAnswer], node: BreakingNode
) -> None:
    node.shutdown()
    node.server_close()
    answer = sent(NewCall(CallKind.TASK, ("web-1",), type="disk_usage"))
    assert (answer.state, node.keys) == (AnswerState.UNREACHABLE, [])


def test_a_call_whose_sender_died_before_it_was_open_is_opened_by_the_same_key(settings: Settings) -> None:
    journal = Journal(settings.audit, "master")
    nodes = Nodes(Database(settings), journal, settings)
    nodes.add("web-1", "http://127.0.0.1:1", ALICE)
    calls = Calls(settings, nodes, journal)
    new = NewCall(CallKind.TASK, ("web-1",), type="disk_usage", key="once")
    first: Call = calls.send(new, ALICE)
    calls.files.close(first.id)  # as where the process died between the two
    assert calls.send(new, ALICE).id == first.id
    assert calls.files.open() == [first.id]


def test_what_a_node_says_of_its_task_counts_more_than_what_its_silence_seemed_to_say(settings: Settings) -> None:
    journal = Journal(settings.audit, "master")
    nodes = Nodes(Database(settings), journal, settings)
    nodes.add("web-1", "http://127.0.0.1:1", ALICE)
    calls = Calls(settings, nodes, journal)
    call = calls.send(NewCall(CallKind.TASK, ("web-1",), type="disk_usage"), ALICE)
    calls.files.change(call.id, "web-1", lambda known: NodeAnswer("web-1", AnswerState.LOST, why="Not known."))
    task = {"id": "20261121T000000-abcdef", "callback": call.id, "state": "successful", "result": "done"}
    assert calls.accept("web-1", task) is True
    assert calls.accept("web-1", {**task, "result": "another"}) is False
    assert calls.files.answer(call.id, "web-1").result == "done"
