"""Calls, as pages and API ask for them: send, look, take in what comes later."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from selfservice.accounts.permissions import Permission
from selfservice.audit.actions import Action, Actor, Kind
from selfservice.audit.journal import Journal
from selfservice.calls.call import AnswerState, Call, CallKind, NewCall, NodeAnswer
from selfservice.calls.call_files import KEPT, CallFiles, CallNotFound
from selfservice.errors import BadInput, Forbidden
from selfservice.nodes.address import path_on_node
from selfservice.nodes.nodes import Nodes
from selfservice.scope import Sight
from selfservice.settings import Settings
from selfservice.store import files
from selfservice.store.ids import new_id
from selfservice.store.times import now

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")
MOST_NODES = 1000
#: Headers that say who calls whom, or how the message is cut: those are this node's to set.
_OWN_HEADERS = frozenset(
    {"authorization", "host", "cookie", "content-length", "transfer-encoding", "connection", "upgrade", "te", "expect"}
)


class Calls:
    """The calls of one master; the executor sends what is open."""

    def __init__(self, settings: Settings, nodes: Nodes, journal: Journal) -> None:
        """Keep calls in instance/calls."""
        self.files = CallFiles(settings.instance / "calls")
        self._lock = settings.instance / "calls.lock"
        self._counted: dict[str, tuple[int, dict[str, int]]] = {}
        self._nodes = nodes
        self._journal = journal

    def seen_by(self, sight: Sight) -> Calls:
        """The same for somebody: nodes, and calls to nodes, that they do not see are not there."""
        bound = copy.copy(self)
        bound.files, bound._nodes = self.files.seen_by(sight), self._nodes.seen_by(sight)
        return bound

    def send(self, new: NewCall, actor: Actor) -> Call:
        """Have a call sent; when this returns it is on disk and in the audit. Raises BadInput, JournalError."""
        self._check(new)
        with files.locked(self._lock):
            if new.key and (known := self.files.of_key(actor.name, new.key)):
                self.files.reopen(known)  # whoever sent it first may have died before it was open
                return known
            call = Call(new_id(datetime.now(UTC)), new, actor, now())
            self._journal.append(
                Action(Kind.CALL_SEND, actor, new.title[:200], hosts=new.nodes, detail={"call": call.id})
            )
            self.files.create(call)
        return call

    def counts_of(self, call: Call) -> dict[str, int]:
        """How many answers of a call there are of each kind; its files are read again only after a change."""
        version = self.files.version(call.id)
        known = self._counted.get(call.id)
        if known is None or known[0] != version:
            known = self._counted[call.id] = (version, counts(self.files.answers(call)))
            for oldest in sorted(self._counted)[:-KEPT]:
                del self._counted[oldest]
        return known[1]

    def accept(self, node: str, task: dict[str, Any]) -> bool:
        """Take in what a node says of a task that it answers later; False where it is known already.

        What the node says of its own task counts more than what was concluded here from its silence.
        A task that nobody here waits for has no callback. Raises BadInput, CallNotFound.
        """
        callback, task_id = task.get("callback"), task.get("id")
        if not isinstance(callback, str) or not isinstance(task_id, str):
            raise BadInput("A result has the `id` and the `callback` of its task.")
        if not callback:
            return False
        call = self.files.get(callback)
        if node not in call.what.nodes or call.what.kind is not CallKind.TASK:
            raise CallNotFound(f"The call {callback} was not sent to {node}.")

        def following(known: NodeAnswer) -> NodeAnswer | None:
            if known.task_id and known.task_id != task_id:
                raise CallNotFound(f"The call {callback} has another task on {node}: {known.task_id}.")
            return None if known.state.ended and known.task_id else taken_in(known, task)

        return self.files.change(call.id, node, following)

    def _check(self, new: NewCall) -> None:
        if not new.nodes:
            raise BadInput("Choose at least one node.", "nodes")
        if len(new.nodes) > MOST_NODES:
            raise BadInput(f"A call goes to at most {MOST_NODES} nodes.", "nodes")
        known = {node.name: node for node in self._nodes.all()}
        for name in new.nodes:
            if name not in known:
                raise BadInput(f"There is no node called {name[:80]}.", "nodes")
            if known[name].revoked:
                raise BadInput(f"The node {name} is shut out; make a new token for it first.", "nodes")
            if not self._nodes.may(Permission.CALL_SEND, name):
                raise Forbidden(f"You may look at {name}, and send nothing to it: this needs “write” in its project.")
        if new.kind is CallKind.HTTP:
            _check_request(new)


def taken_in(known: NodeAnswer, task: dict[str, Any]) -> NodeAnswer:
    """An answer after the node has said how its task stands. Raises BadInput where it says nothing of the kind."""
    try:
        state = AnswerState("later" if task["state"] == "running" else task["state"])
        seconds = None if task.get("seconds") is None else float(task["seconds"])
    except (KeyError, ValueError, TypeError) as error:
        raise BadInput("This is no task: it has no state that is known here.") from error
    why = task.get("warning") if state is AnswerState.LATER else task.get("why")
    return replace(
        known,
        state=state,
        task_id=str(task.get("id", ""))[:64],
        seconds=seconds if seconds is not None else known.seconds,
        result=task.get("result"),
        why=str(why or "")[:1000],
        ended_at=now() if state.ended else None,
    )


def counts(answers: Sequence[NodeAnswer]) -> dict[str, int]:
    """How many answers there are of each kind that a person tells apart."""
    good = sum(answer.state is AnswerState.SUCCESSFUL for answer in answers)
    open_ones = sum(not answer.state.ended for answer in answers)
    return {"total": len(answers), "successful": good, "open": open_ones, "failed": len(answers) - good - open_ones}


def _check_request(new: NewCall) -> None:
    if new.method not in METHODS:
        raise BadInput(f"A method is one of {', '.join(METHODS)}.", "method")
    path_on_node(new.path)
    for name, value in new.headers.items():
        if name.lower() in _OWN_HEADERS:
            raise BadInput(f"The header {name} is set by this node and cannot be given.", "headers")
        if not name.isascii() or not name.replace("-", "").isalnum() or not value.isprintable():
            raise BadInput(f"The header {name[:80]!r} cannot be sent.", "headers")
