"""Following a run as it goes on: what changed in its folder, message by message."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from selfservice.runs.run import State, Status
from selfservice.runs.runs import Runs
from selfservice.runs.watching import LOOK_SECONDS, Moment

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

    The first messages tell where the run stands now, so that a reader may come at any time; later `output` has the
    latest of the lines that came, so that nobody need ask for them.
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
        folder = runs.folder(run_id)
        folder.run()  # raises RunNotFound before the stream begins
        self._runs = runs
        self._run_id = run_id
        self._watch = runs.watched.of(folder)
        self._told: Moment | None = None
        self._position: int | None = None
        #: The last message has been given.
        self.over = False

    def look(self) -> Iterator[Message]:
        """What happened since the last look."""
        now, told = self._watch.look(), self._told
        if now.status is None:
            self.over = True
            yield Message("end", {"state": told.status.state if told and told.status else None})
            return
        position = self._runs.position(self._run_id) if now.status.state is State.QUEUED else None
        if now is told and position == self._position:
            return
        self._told = now
        if told is None or now.size != told.size:
            data: dict[str, Any] = {"total": now.total, "size": now.size}
            yield Message("output", data if told is None else {**data, **self._watch.fresh(now, told.whole)})
        for result in self._watch.results[told.results if told else 0 : now.results]:
            yield Message("result", result)
        if told is None or now.status != told.status or position != self._position:
            self._position = position
            yield Message("state", state_message(now.status, position))
        if now.status.state.ended:
            self.over = True
            yield Message("end", {"state": now.status.state})
