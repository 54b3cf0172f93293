"""What Ansible tells its callbacks, as events of the form that ansible-runner gives."""

from __future__ import annotations

import os
import uuid
from datetime import UTC, datetime
from typing import Any

from selfservice.store.times import now

CENSORED = "the output has been hidden due to the fact that 'no_log: true' was specified for this result"


class EventMaker:
    """Knows the play and task that Ansible is at; Ansible's own objects come as they are, untyped."""

    def __init__(self) -> None:
        """Begin before the first play."""
        self._counter = 0
        self._pid = os.getpid()
        self._playbook: dict[str, Any] = {}
        self._play: dict[str, Any] = {}
        self._host_started: dict[str, datetime] = {}

    def playbook_started(self, file_name: str, lines: tuple[int, int]) -> dict[str, Any]:
        """The event for the start of a playbook."""
        self._playbook = {"playbook": file_name, "playbook_uuid": str(uuid.uuid4())}
        self._play = {}
        return self._event("playbook_on_start", {}, lines, self._playbook["playbook_uuid"])

    def play_started(self, play: Any, pattern: str, lines: tuple[int, int]) -> dict[str, Any]:
        """The event for the start of a play."""
        name = play.get_name().strip() or pattern
        self._play = {"play": name, "play_uuid": str(play._uuid), "play_pattern": pattern}
        data = {"name": name, "pattern": pattern}
        return self._event("playbook_on_play_start", data, lines, self._play["play_uuid"])

    def task_started(self, task: Any, lines: tuple[int, int], *, is_conditional: bool) -> dict[str, Any]:
        """The event for the start of a task (or handler)."""
        data = {**_task(task), "name": task.get_name(), "is_conditional": is_conditional}
        return self._event("playbook_on_task_start", data, lines, data["task_uuid"])

    def host_started(self, host: Any, task: Any, lines: tuple[int, int]) -> dict[str, Any]:
        """The event for one host that begins a task."""
        name = host.get_name()
        self._host_started[name] = datetime.now(UTC)
        return self._event("runner_on_start", {**_task(task), "host": name}, lines)

    def result(self, event: str, result: Any, lines: tuple[int, int], **further: Any) -> dict[str, Any]:
        """The event for what one host made of a task, or of one item of it."""
        name = result._host.get_name()
        data = {**_task(result._task), "host": name, "remote_addr": result._host.address, "res": _outcome(result)}
        if event.startswith("runner_on_"):
            data |= self._timing(name) | further
            data["event_loop"] = result._task.loop_with
        return self._event(event, data, lines)

    def notified(self, handler: Any, host: Any, lines: tuple[int, int]) -> dict[str, Any]:
        """The event for a handler that is to run at the end."""
        data = {"host": host.get_name(), "handler": handler.get_name()}
        return self._event("playbook_on_notify", data, lines)

    def ended(self, stats: Any, lines: tuple[int, int]) -> dict[str, Any]:
        """The event for the end of a playbook."""
        names = ("changed", "dark", "failures", "ignored", "ok", "processed", "rescued", "skipped")
        self._play = {}
        return self._event("playbook_on_stats", {name: getattr(stats, name) for name in names}, lines)

    def plain(self, event: str, lines: tuple[int, int]) -> dict[str, Any]:
        """An event that says no more than its name."""
        return self._event(event, {}, lines)

    def _timing(self, host: str) -> dict[str, Any]:
        start, end = self._host_started.get(host), datetime.now(UTC)
        if start is None:
            return {"start": None, "end": None, "duration": None}
        return {"start": start.isoformat(), "end": end.isoformat(), "duration": (end - start).total_seconds()}

    def _event(
        self, event: str, data: dict[str, Any], lines: tuple[int, int], event_id: str | None = None
    ) -> dict[str, Any]:
        self._counter += 1
        data = {**self._playbook, **self._play, **data}
        event_id = event_id or str(uuid.uuid4())
        data["uuid"] = event_id
        parents = (data.get(key) for key in ("task_uuid", "play_uuid", "playbook_uuid"))
        return {
            "uuid": event_id,
            "counter": self._counter,
            "start_line": lines[0],
            "end_line": lines[1],
            "event": event,
            "pid": self._pid,
            "created": now(),
            "parent_uuid": next((parent for parent in parents if parent and parent != event_id), None),
            "event_data": data,
        }


def _task(task: Any) -> dict[str, Any]:
    found = {
        "task": task.name or task.action,
        "task_uuid": str(task._uuid),
        "task_action": task.action,
        "resolved_action": getattr(task, "resolved_action", task.action),
        "task_args": "",
        "task_path": task.get_path(),
    }
    if role := getattr(task, "_role", None):
        found |= {"role": role._role_name, "resolved_role": role.get_name()}
    return found


def _outcome(result: Any) -> dict[str, Any]:
    """What the module said; nothing of it where it says that it is not to be kept."""
    found = result._result
    if found.get("_ansible_no_log"):
        return {"censored": CENSORED, "changed": bool(found.get("changed"))}
    found = dict(found)
    if result._task.action in {"setup", "gather_facts", "ansible.builtin.setup", "ansible.builtin.gather_facts"}:
        facts = found.get("ansible_facts", {})
        found["ansible_facts"] = {name: value for name, value in facts.items() if name != "ansible_env"}
    if isinstance(found.get("results"), list):
        found["results"] = [_item(each) for each in found["results"]]
    return found


def _item(result: Any) -> Any:
    return {"censored": CENSORED} if isinstance(result, dict) and result.get("_ansible_no_log") else result
