"""One run's events: how they are kept, and what they say when added up."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

#: A module's own output inside an event is cut there; the whole of it is in `stdout`.
LONGEST_TEXT = 64 * 1024
LONGEST_MESSAGE = 500
_RESULT_EVENTS = {
    "runner_on_ok": "ok",
    "runner_on_failed": "failed",
    "runner_on_unreachable": "unreachable",
    "runner_on_skipped": "skipped",
    "runner_item_on_failed": "",
}


def kept(event: dict[str, Any]) -> dict[str, Any]:
    """The event as events.jsonl keeps it: without what `stdout` holds already, long texts cut."""
    slim = {key: value for key, value in event.items() if key not in {"stdout", "runner_ident"}}
    if event.get("event") in {"verbose", "error", "warning"}:
        slim["text"] = _cut(event.get("stdout", ""), 1024)
    data = slim.get("event_data")
    if isinstance(data, dict) and isinstance(data.get("res"), dict):
        slim["event_data"] = {**data, "res": _slim_result(data["res"])}
    return slim


def _slim_result(result: dict[str, Any]) -> dict[str, Any]:
    doubled = {f"{name}_lines" for name in ("stdout", "stderr")}
    return {key: _cut(value, LONGEST_TEXT) for key, value in result.items() if key not in doubled}


def _cut(value: Any, longest: int) -> Any:
    if isinstance(value, str) and len(value) > longest:
        return f"{value[:longest]}… ({len(value)} characters; the output has them all)"
    if isinstance(value, dict):
        return {key: _cut(each, longest) for key, each in value.items()}
    if isinstance(value, list):
        return [_cut(each, longest) for each in value]
    return value


def _message(outcome: dict[str, Any]) -> str:
    return str(outcome.get("msg") or outcome.get("stderr") or "").strip()[:LONGEST_MESSAGE]


@dataclass
class HostRecap:
    """How one host fared, in Ansible's own words."""

    name: str
    ok: int = 0
    changed: int = 0
    failed: int = 0
    unreachable: int = 0
    skipped: int = 0

    @property
    def state(self) -> str:
        """The one word for this host: unreachable, failed, changed, ok or skipped."""
        for word in ("unreachable", "failed", "changed", "ok"):
            if getattr(self, word):
                return word
        return "skipped"

    def to_json(self) -> dict[str, Any]:
        """The recap with its one word."""
        return {**asdict(self), "state": self.state}


@dataclass(frozen=True)
class Result:
    """What one host made of one task."""

    host: str
    task: str
    #: ok | changed | failed | unreachable | skipped
    status: str
    started_at: str | None
    seconds: float | None
    #: First line of it in the output, from 0; and the event it comes from.
    line: int
    counter: int
    ignored: bool = False
    #: What the module or the connection said where it failed, shortened.
    message: str = ""


@dataclass
class Results:
    """All results of a run so far: feed it events in their order."""

    hosts: dict[str, HostRecap] = field(default_factory=dict)
    tasks: dict[str, str] = field(default_factory=dict)
    results: list[Result] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)
    first_failure_line: int | None = None

    def feed(self, event: dict[str, Any]) -> Result | None:
        """Add one event; the result it is, if it is one."""
        data = event.get("event_data") or {}
        task_id = data.get("task_uuid")
        if task_id and task_id not in self.tasks:
            self.tasks[task_id] = data.get("name") or data.get("task") or data.get("task_action") or "task"
        status = _RESULT_EVENTS.get(event.get("event", ""))
        if not status or "host" not in data:
            return None
        return self._add(event, data, status)

    def _add(self, event: dict[str, Any], data: dict[str, Any], status: str) -> Result:
        outcome = data.get("res") or {}
        ignored = status == "failed" and bool(data.get("ignore_errors"))
        if status == "ok" and outcome.get("changed"):
            status = "changed"
        result = Result(
            host=data["host"],
            task=data.get("task_uuid", ""),
            status=status,
            started_at=data.get("start"),
            seconds=data.get("duration"),
            line=event.get("start_line", 0),
            counter=event.get("counter", 0),
            ignored=ignored,
            message=_message(outcome) if status in {"failed", "unreachable"} else "",
        )
        self._count(result)
        self.results.append(result)
        self._collect_changes(result, outcome)
        if status in {"failed", "unreachable"} and not ignored and self.first_failure_line is None:
            self.first_failure_line = result.line
        return result

    def _count(self, result: Result) -> None:
        recap = self.hosts.setdefault(result.host, HostRecap(result.host))
        word = "ok" if result.ignored else result.status
        setattr(recap, word, getattr(recap, word) + 1)
        if word == "changed":
            recap.ok += 1

    def _collect_changes(self, result: Result, outcome: dict[str, Any]) -> None:
        diffs = outcome.get("diff") or []
        for diff in diffs if isinstance(diffs, list) else [diffs]:
            if isinstance(diff, dict) and (diff.get("before") or diff.get("after") or diff.get("prepared")):
                self.changes.append(
                    {
                        "host": result.host,
                        "task": result.task,
                        "before": diff.get("before", ""),
                        "after": diff.get("after", ""),
                        "header": diff.get("after_header") or diff.get("before_header") or "",
                        "diff": diff.get("prepared", ""),
                    }
                )

    def named(self, *states: str) -> list[str]:
        """The hosts whose one word is among `states`, by name."""
        return sorted(name for name, recap in self.hosts.items() if recap.state in states)

    def to_json(self) -> dict[str, Any]:
        """The content of summary.json, and what the run page draws."""
        return {
            "hosts": [recap.to_json() for _, recap in sorted(self.hosts.items())],
            "tasks": [{"id": key, "name": name} for key, name in self.tasks.items()],
            "results": [asdict(result) for result in self.results],
            "changes": self.changes,
            "first_failure_line": self.first_failure_line,
        }
