"""Sends the calls that are open to their nodes, many at once, and asks again after those that answer later."""

from __future__ import annotations

import json
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from selfservice.calls.call import AnswerState, Call, CallKind, NodeAnswer
from selfservice.calls.call_files import CallNotFound
from selfservice.calls.calls import Calls, taken_in
from selfservice.errors import ApplicationError, BadInput
from selfservice.nodes import http
from selfservice.nodes.http import Answer, NodeGarbage, NodeTrouble
from selfservice.nodes.nodes import Nodes
from selfservice.settings import Settings
from selfservice.store.times import now

log = logging.getLogger(__name__)

AT_ONCE = 32
LOOK_SECONDS = 0.1
_LOOK_ALL_THE_SAME_SECONDS = 1.0
_ASK_AGAIN_SECONDS = 30.0
_ANSWER_SECONDS = 15
#: A node that may have got a task, and whose answer was not heard, is asked again by the same key, for so long.
_REPEAT_SECONDS = 3.0
_DOUBT_SECONDS = 300.0
_LONGEST_TEXT = 64 * 1024
_SAFE_METHODS = frozenset({"GET", "HEAD"})


class Dispatcher:
    """One in the executor's process; what an earlier one had begun, it goes on with."""

    def __init__(self, settings: Settings, calls: Calls, nodes: Nodes) -> None:
        """Nothing is sent yet."""
        self._settings = settings
        self._calls = calls
        self._nodes = nodes
        self._pool = ThreadPoolExecutor(AT_ONCE, "call")
        self._under_way: set[tuple[str, str]] = set()
        self._looked: dict[str, tuple[int, int]] = {}
        self._asked_at: dict[tuple[str, str], float] = {}
        #: Since when it is in doubt whether a node got its task.
        self._doubted_since: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def start(self) -> None:
        """Look for open calls from now on, in the background."""
        threading.Thread(target=self._serve, name="calls", daemon=True).start()

    def turn(self) -> None:
        """Begin whatever is due of all open calls."""
        opened = self._calls.files.open()
        self._looked = {call_id: self._looked[call_id] for call_id in opened if call_id in self._looked}
        self._forget_times(set(opened))
        for call_id in opened:
            if not self._is_due(call_id):
                continue
            try:
                call = self._calls.files.get(call_id)
            except CallNotFound as error:
                log.warning("%s", error.sentence)
                self._calls.files.close(call_id)
                continue
            answers = self._calls.files.answers(call)
            for answer in answers:
                self._see_to(call, answer)
            if all(answer.state.ended for answer in answers):
                self._calls.files.close(call_id)

    def _forget_times(self, opened: set[str]) -> None:
        for times in (self._asked_at, self._doubted_since):
            for place in [each for each in list(times) if each[0] not in opened]:
                del times[place]

    def _is_due(self, call_id: str) -> bool:
        """Whether an answer of it has changed, or a while has passed: its files are not read ten times a second."""
        looked = (self._calls.files.version(call_id), int(time.monotonic() / _LOOK_ALL_THE_SAME_SECONDS))
        due = self._looked.get(call_id) != looked
        self._looked[call_id] = looked
        return due

    def _serve(self) -> None:
        while True:
            try:
                self.turn()
            except (OSError, ApplicationError) as error:
                log.error("Calls cannot be sent at the moment: %s", error)
            time.sleep(LOOK_SECONDS)

    def _see_to(self, call: Call, answer: NodeAnswer) -> None:
        place = (call.id, answer.node)
        if answer.state.ended or place in self._under_way:
            return
        if answer.state is AnswerState.LATER:
            asked = self._asked_at.setdefault(place, time.monotonic())
            if time.monotonic() - asked < _ASK_AGAIN_SECONDS:
                return
            self._asked_at[place] = time.monotonic()
        elif time.monotonic() - self._asked_at.get(place, -_REPEAT_SECONDS) < _REPEAT_SECONDS:
            return
        with self._lock:
            self._under_way.add(place)
        self._pool.submit(self._send, call, answer)

    def _send(self, call: Call, before: NodeAnswer) -> None:
        try:
            if before.state is AnswerState.LATER:
                self._keep(call, self._asked_again(call, before))
            elif before.state is AnswerState.SENDING and not _can_be_repeated(call):
                self._keep(call, _unknown(before))
            else:
                sending = replace(before, state=AnswerState.SENDING, sent_at=before.sent_at or now())
                self._keep(call, sending)
                in_doubt = before.state is AnswerState.SENDING  # an earlier attempt may have reached it
                self._keep(call, self._answered(call, sending, in_doubt))
        except (ApplicationError, OSError):
            log.exception("The answer of %s to %s cannot be kept", before.node, call.id)
        finally:
            with self._lock:
                self._under_way.discard((call.id, before.node))

    def _keep(self, call: Call, answer: NodeAnswer) -> None:
        """Keep an answer, unless the node itself has told of its end meanwhile."""
        self._calls.files.change(call.id, answer.node, lambda known: None if known.state.ended else answer)

    def _answered(self, call: Call, answer: NodeAnswer, in_doubt: bool) -> NodeAnswer:
        try:
            said = self._post(call, answer.node)
        except ApplicationError as error:
            in_doubt = in_doubt or (isinstance(error, NodeTrouble) and error.may_have_arrived)
            return self._unanswered(call, answer, error.sentence, in_doubt)
        answer = replace(answer, http_status=said.status, seconds=round(said.seconds, 3))
        if call.what.kind is CallKind.HTTP:
            state = AnswerState.SUCCESSFUL if said.status < 300 else AnswerState.REFUSED
            return _ended(replace(answer, result=_content(said)), state, http.refusal(said))
        if said.status not in (200, 202):
            return _ended(answer, AnswerState.REFUSED, http.refusal(said))
        return _of_task(answer, said)

    def _unanswered(self, call: Call, answer: NodeAnswer, why: str, in_doubt: bool) -> NodeAnswer:
        """What is known where no answer came; a task that may be under way is asked for again."""
        if call.what.kind is not CallKind.TASK or not in_doubt:
            return _ended(answer, AnswerState.UNREACHABLE, why)
        place, moment = (call.id, answer.node), time.monotonic()
        since = self._doubted_since.setdefault(place, moment)
        if moment - since < _DOUBT_SECONDS:
            self._asked_at[place] = moment
            return replace(answer, why=f"{why} It may be at the task already, and is asked again.")
        return _ended(answer, AnswerState.LOST, f"{why} Whether it has done the task is not known.")

    def _asked_again(self, call: Call, answer: NodeAnswer) -> NodeAnswer:
        """How a task is that answers later: the node may have lost it, or its way to this master."""
        try:
            said = self._to_node(call, answer.node, "GET", f"/api/v1/tasks/{answer.task_id}")
        except ApplicationError:
            return answer  # it will be back, and tell
        if said.status == 404:
            return _ended(answer, AnswerState.LOST, "The node does not know this task any more.")
        return _of_task(answer, said) if said.status in (200, 202) else answer

    def _post(self, call: Call, node: str) -> Answer:
        what = call.what
        if what.kind is CallKind.HTTP:
            return self._to_node(call, node, what.method, what.path, what.body, what.headers)
        body = {"type": what.type, "params": what.params, "wait": what.wait, "callback": call.id}
        return self._to_node(call, node, "POST", "/api/v1/tasks", body, {"Idempotency-Key": call.id})

    def _to_node(  # noqa: PLR0913 - what a request is made of
        self, call: Call, name: str, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        node = self._nodes.get(name)
        request = http.Call(
            method,
            node.address + path,
            self._nodes.calling_token(node),
            body,
            {**(headers or {}), http.ON_BEHALF: call.actor.name},
            seconds=call.what.wait + _ANSWER_SECONDS,
        )
        return http.send(self._settings, request)


def _can_be_repeated(call: Call) -> bool:
    """A task has a key by which the node knows it again; of a request only the method tells."""
    return call.what.kind is CallKind.TASK or call.what.method in _SAFE_METHODS


def _unknown(answer: NodeAnswer) -> NodeAnswer:
    why = "This master was restarted while it waited for the answer: look at the node before you send it again."
    return _ended(answer, AnswerState.LOST, why)


def _of_task(answer: NodeAnswer, said: Answer) -> NodeAnswer:
    try:
        task = said.json()
        if not isinstance(task, dict):
            raise NodeGarbage("It answered something that is no task. Is it a node of Selfservice?")
        return taken_in(answer, task)
    except (NodeGarbage, BadInput) as error:
        return _ended(answer, AnswerState.UNREACHABLE, error.sentence)


def _content(said: Answer) -> Any:
    try:
        return json.loads(said.body)
    except (ValueError, RecursionError):
        return said.body[:_LONGEST_TEXT].decode("utf-8", "replace")


def _ended(answer: NodeAnswer, state: AnswerState, why: str) -> NodeAnswer:
    return replace(answer, state=state, why=why, ended_at=now())
