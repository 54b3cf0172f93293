"""What a run changed on hosts, as differences that a person can read."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from selfservice.runs.events import Results

_MOST_CHANGES = 300
_MOST_LINES = 400


@dataclass(frozen=True)
class DiffLine:
    """One line of a difference; `kind` is added, removed, place or same."""

    kind: str
    text: str


@dataclass(frozen=True)
class Change:
    """What one task changed on one host."""

    host: str
    task: str
    #: What was changed, mostly a path; empty where Ansible does not say.
    what: str
    lines: tuple[DiffLine, ...]
    added: int
    removed: int
    #: How many further lines are not shown.
    left_out: int


def readable(results: Results) -> list[Change]:
    """The changes of a run in their order, long ones cut."""
    return [_change(each, results.tasks.get(each["task"], "")) for each in results.changes[:_MOST_CHANGES]]


def _change(found: dict[str, Any], task: str) -> Change:
    if found.get("diff"):
        lines = [_classified(line) for line in str(found["diff"]).splitlines()]
    else:
        lines = [_classified(line) for line in _difference(found.get("before"), found.get("after"))]
    return Change(
        host=found["host"],
        task=task,
        what=str(found.get("header") or ""),
        lines=tuple(lines[:_MOST_LINES]),
        added=sum(line.kind == "added" for line in lines),
        removed=sum(line.kind == "removed" for line in lines),
        left_out=max(0, len(lines) - _MOST_LINES),
    )


def _difference(before: object, after: object) -> Iterable[str]:
    lines = difflib.unified_diff(_text(before), _text(after), lineterm="", n=3)
    return islice(lines, 2, None)  # without the two lines that name the files


def _text(value: object) -> list[str]:
    if isinstance(value, str):
        return value.splitlines()
    return [] if value is None else json.dumps(value, indent=2, ensure_ascii=False).splitlines()


def _classified(line: str) -> DiffLine:
    kinds = {"+": "added", "-": "removed", "@": "place"}
    kind = "place" if line.startswith(("+++ ", "--- ")) else kinds.get(line[:1], "same")
    return DiffLine(kind, line)
