"""What is sent to the task API, read strictly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from selfservice.errors import BadInput
from selfservice.tasks.task import TaskRequest, TaskState

DEFAULT_WAIT_SECONDS = 5
LONGEST_WAIT_SECONDS = 60
LONGEST_CALLBACK = 200
_MEMBERS = frozenset({"type", "params", "wait", "callback", "target"})
DEEPEST = 32


def task_request(body: dict[str, Any], key: str) -> TaskRequest:
    """The request in the body of POST /api/v1/tasks. Raises BadInput naming the field."""
    for name in sorted(set(body) - _MEMBERS):
        raise BadInput(f"A task has no member {name[:80]!r}; it has {', '.join(sorted(_MEMBERS))}.", name[:80])
    params, callback, target = body.get("params", {}), body.get("callback", ""), body.get("target", "node")
    if not isinstance(body.get("type"), str):
        raise BadInput("Say which type of task: a name from GET /api/v1/tasks/types.", "type")
    if not isinstance(params, dict) or not _is_shallow(params):
        raise BadInput(f"The parameters are a JSON object, at most {DEEPEST} levels deep.", "params")
    if not isinstance(callback, str) or len(callback) > LONGEST_CALLBACK or not callback.isprintable():
        raise BadInput(f"A callback is a text of at most {LONGEST_CALLBACK} characters.", "callback")
    if target not in ("node", "master"):
        raise BadInput("The target is node or master.", "target")
    return TaskRequest(body["type"], params, callback, key)


def wait_seconds(body: Mapping[str, Any]) -> float:
    """For how long the caller waits. Raises BadInput."""
    wait = body.get("wait", DEFAULT_WAIT_SECONDS)
    if isinstance(wait, bool) or not isinstance(wait, (int, float)) or not 0 <= wait <= LONGEST_WAIT_SECONDS:
        raise BadInput(f"`wait` is a number of seconds from 0 to {LONGEST_WAIT_SECONDS}.", "wait")
    return float(wait)


def state_of(text: str) -> TaskState | None:
    """The state to list; None for all. Raises BadInput."""
    if not text:
        return None
    try:
        return TaskState(text)
    except ValueError:
        raise BadInput(f"A state is one of {', '.join(TaskState)}.", "state") from None


def _is_shallow(value: Any) -> bool:
    """Whether it is at most `DEEPEST` levels deep; without recursion, which is what a bad one is after."""
    level = [value]
    for _ in range(DEEPEST):
        level = [
            inner
            for each in level
            for inner in (each.values() if isinstance(each, dict) else each if isinstance(each, list) else ())
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return True
    return False
