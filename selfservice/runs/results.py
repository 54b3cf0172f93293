"""Reading a run's results back from its folder, finished or still going on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from selfservice.errors import NotFound
from selfservice.runs.events import HostRecap, Result, Results
from selfservice.runs.folder import RunFolder
from selfservice.store import files


def of(folder: RunFolder) -> Results:
    """The results so far; from summary.json where the run has ended, else added up from its events."""
    try:
        return _from_summary(files.read_json(folder.summary))
    except (FileNotFoundError, ValueError):
        reader = EventReader(folder)
        for _ in reader.new():
            pass
        return reader.results


class EventReader:
    """Reads events.jsonl on and on: whole lines only, each once."""

    def __init__(self, folder: RunFolder) -> None:
        """Start at the first event."""
        self._path = folder.events
        self._offset = 0
        self.results = Results()

    def new(self) -> Iterator[tuple[dict[str, Any], Result | None]]:
        """The events since the last call, each with the result it is, if it is one."""
        for event, end in events_from(self._path, self._offset):
            self._offset = end
            yield event, self.results.feed(event)


def events_from(path: Any, offset: int) -> Iterator[tuple[dict[str, Any], int]]:
    """The whole events from byte `offset` on, each with the offset behind it; torn lines are left."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        file.seek(offset)
        for line in file:
            if not line.endswith(b"\n"):
                return
            offset += len(line)
            try:
                yield json.loads(line), offset
            except ValueError:  # a line torn by a full disk; what follows it may be whole
                continue


def result_detail(folder: RunFolder, counter: int) -> dict[str, Any]:
    """All that Ansible said of one result. Raises NotFound."""
    for event, _ in events_from(folder.events, 0):
        if event.get("counter") == counter:
            data = event.get("event_data") or {}
            return {"host": data.get("host"), "task": data.get("task"), "result": data.get("res")}
    raise NotFound(f"Run {folder.id} has no event {counter}.")


def _from_summary(value: dict[str, Any]) -> Results:
    recaps = {}
    for host in value["hosts"]:
        named = {name: host[name] for name in HostRecap.__dataclass_fields__}
        recaps[host["name"]] = HostRecap(**named)
    return Results(
        hosts=recaps,
        tasks={task["id"]: task["name"] for task in value["tasks"]},
        results=[Result(**result) for result in value["results"]],
        changes=value["changes"],
        first_failure_line=value["first_failure_line"],
    )
