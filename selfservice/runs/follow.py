"""Following a run as it goes on: what changed in its folder, message by message."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from selfservice.runs.errors import RunNotFound
from selfservice.runs.output import LineIndex
from selfservice.runs.results import EventReader
from selfservice.runs.run import State, Status
from selfservice.runs.runs import Runs

#: How often a folder is looked at. An event is in the browser well within 250 ms of being written.
LOOK_SECONDS = 0.08
_SIGN_OF_LIFE_SECONDS = 10


@dataclass(frozen=True)
class Message:
    """One thing to tell the page."""

    kind: str
    data: dict[str, Any]


def follow(
    runs: Runs,
    run_id: str,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Message]:
    """Messages `state`, `output`, `result` as they come, `alive` in a silence, and `end` as the last one.

    The first messages tell where the run stands now, so that a reader may come at any time.
    """
    follower = Follower(runs, run_id)
    quiet_since = clock()
    while not follower.over:
        messages = list(follower.look())
        yield from messages
        if messages:
            quiet_since = clock()
        elif clock() - quiet_since > _SIGN_OF_LIFE_SECONDS:
            yield Message("alive", {})
            quiet_since = clock()
        if not follower.over:
            sleep(LOOK_SECONDS)


def state_message(status: Status, position: int | None) -> dict[str, Any]:
    """Where a run stands, for the page: with the seconds it has taken, by this node's clock."""
    return {
        "state": status.state.value,
        "why": status.why,
        "started_at": status.started_at,
        "ended_at": status.ended_at,
        "elapsed": elapsed(status, datetime.now(UTC)),
        "position": position,
    }


def elapsed(status: Status, moment: datetime) -> float | None:
    """Seconds from start to end, or to `moment` while it goes on; None before it starts."""
    if status.started_at is None:
        return None
    end = datetime.fromisoformat(status.ended_at) if status.ended_at else moment
    return max(0.0, (end - datetime.fromisoformat(status.started_at)).total_seconds())


class Follower:
    """One reader of one run: remembers what was told already."""

    def __init__(self, runs: Runs, run_id: str) -> None:
        """Follow the run `run_id`. Raises RunNotFound."""
        self._runs = runs
        self._folder = runs.folder(run_id)
        self._folder.run()  # raises RunNotFound before the stream begins
        self._output = LineIndex(self._folder.stdout)
        self._events = EventReader(self._folder)
        self._status: Status | None = None
        self._position: int | None = None
        self._told_output = False
        #: The last message has been given.
        self.over = False

    def look(self) -> Iterator[Message]:
        """What happened since the last look."""
        try:
            status = self._folder.status()
        except RunNotFound:
            self.over = True
            yield Message("end", {"state": self._status.state if self._status else None})
            return
        # Read after the state: at an end, everything else is on disk already.
        if self._output.grow() or not self._told_output:
            self._told_output = True
            yield Message("output", {"total": self._output.total, "size": self._output.size})
        for _, result in self._events.new():
            if result is not None:
                recap = self._events.results.hosts[result.host].to_json()
                task = self._events.results.tasks.get(result.task, "")
                yield Message("result", {**asdict(result), "task_name": task, "recap": recap})
        position = self._runs.position(self._folder.id) if status.state is State.QUEUED else None
        if status != self._status or position != self._position:
            self._status, self._position = status, position
            yield Message("state", state_message(status, position))
        if status.state.ended:
            self.over = True
            yield Message("end", {"state": status.state})
