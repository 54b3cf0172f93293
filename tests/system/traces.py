"""What a run leaves behind, such that two runs of the same work can be compared."""

from __future__ import annotations

import json
import re
from typing import Any

from selfservice.runs.run import Run
from tests.system.conftest import Node

#: What differs between any two runs.
_OWN = re.compile(
    r"[0-9a-f]{8}-[0-9a-f-]{20,}|\d{8}T\d{6}-[0-9a-f]{6}|\d{4}-\d\d-\d\d[T ][\d:.]+(\+00:00)?|\d+:\d\d:\d\d\.\d+"
    r"|/\S*/instance/private/[^\"' ]*|/tmp/ansible[^\"' ]*|ansible-local-[^\"'/ ]*|ansible-tmp-[^\"'/ ]*|\d{10}\.\d+"
)
_OWN_MEMBERS = {"pid", "counter", "start_line", "end_line", "duration", "created", "start", "end", "delta"} | {
    "seconds",
    "line",
}


def traces_of(node: Node, run: Run) -> dict[str, Any]:
    """All that a run has left, without what differs between any two runs of the same."""
    status, folder = node.finish(run), node.runs.folder(run.id)
    events = [_plain(json.loads(line)) for line in folder.events.read_text().splitlines()]
    output = [_OWN.sub("~", line).rstrip("* ") for line in folder.stdout.read_text().splitlines()]
    summary = _plain(json.loads(folder.summary.read_text()))
    for rows in (summary["results"], summary["changes"]):
        rows.sort(key=json.dumps)
    summary.pop("first_failure_line")  # of two hosts either may fail first
    return {
        "state": (status.state, status.rc, status.why),
        "events": sorted(json.dumps(event, sort_keys=True) for event in events),
        "output": sorted(output),
        "summary": summary,
    }


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items() if name not in _OWN_MEMBERS}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return _OWN.sub("~", value) if isinstance(value, str) else value
