"""Runs that go on, looked at once for all who follow them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any
from weakref import WeakValueDictionary

from selfservice.runs.errors import RunNotFound
from selfservice.runs.folder import RunFolder
from selfservice.runs.output import LineIndex
from selfservice.runs.results import EventReader
from selfservice.runs.run import Status
from selfservice.runs.terminal_text import segments

#: How often a folder is looked at. An event is in the browser well within 250 ms of being written.
LOOK_SECONDS = 0.08
#: So much of what was just printed is told at once; who wants more asks for it.
_MOST_LINES = 100
_MOST_BYTES = 16 * 1024


@dataclass(frozen=True)
class Moment:
    """All there was to see at one look."""

    #: None where the folder was gone.
    status: Status | None
    #: Lines and bytes of the output, and how many of the lines have an end.
    total: int = 0
    size: int = 0
    whole: int = 0
    #: How many results there were.
    results: int = 0
    #: The fresh lines as they are told, by the first of them.
    fresh: dict[int, dict[str, Any]] = field(default_factory=dict, compare=False)


class Watch:
    """One run, for any number of readers; safe under many threads."""

    def __init__(self, folder: RunFolder, clock: Callable[[], float] = time.monotonic) -> None:
        """Look at `folder` when a reader asks."""
        self._folder = folder
        self._clock = clock
        self._lock = threading.Lock()
        self._looked_at = 0.0
        self._output = LineIndex(folder.stdout)
        self._events = EventReader(folder)
        #: Every result so far, as it is told.
        self.results: list[dict[str, Any]] = []
        self.moment: Moment | None = None

    def look(self) -> Moment:
        """What there is to see; the same object as before where nothing is new, or hardly any time went by."""
        with self._lock:
            before = self.moment
            if before is not None and (self._is_over(before) or self._clock() - self._looked_at < LOOK_SECONDS):
                return before
            now = self._seen()
            self._looked_at = self._clock()
            if before is None or now != before:
                self.moment = before = now
            return before

    def fresh(self, moment: Moment, known: int) -> dict[str, Any]:
        """The latest lines behind the first `known` ones: `start`, the number of the first of them, and `lines`."""
        with self._lock:
            if known not in moment.fresh:
                moment.fresh[known] = self._fresh(moment, known)
            return moment.fresh[known]

    @staticmethod
    def _is_over(moment: Moment) -> bool:
        return moment.status is None or moment.status.state.ended

    def _seen(self) -> Moment:
        try:
            status = self._folder.status()
        except RunNotFound:
            return Moment(None)
        # Read after the state: at an end, everything else is on disk already.
        self._output.grow()
        for _, result in self._events.new():
            if result is not None:
                recap = self._events.results.hosts[result.host].to_json()
                task = self._events.results.tasks.get(result.task, "")
                self.results.append({**asdict(result), "task_name": task, "recap": recap})
        output = self._output
        return Moment(status, output.total, output.size, output.whole, len(self.results))

    def _fresh(self, moment: Moment, known: int) -> dict[str, Any]:
        start = max(known, moment.total - _MOST_LINES)
        lines = self._output.lines(start, moment.total - start)
        room = _MOST_BYTES
        for number in range(len(lines) - 1, -1, -1):
            room -= len(lines[number].content)
            if room < 0:
                start, lines = start + number + 1, lines[number + 1 :]
                break
        return {"start": start, "lines": [{"segments": segments(each.content), "cut": each.cut} for each in lines]}


class Watched:
    """The runs that anybody follows now: one watch each."""

    def __init__(self) -> None:
        """Nobody follows any yet."""
        self._lock = threading.Lock()
        self._watches: WeakValueDictionary[str, Watch] = WeakValueDictionary()

    def of(self, folder: RunFolder) -> Watch:
        """The watch over a run; it goes when nobody holds it any more."""
        with self._lock:
            watch = self._watches.get(folder.id)
            if watch is None:
                watch = self._watches[folder.id] = Watch(folder)
            return watch
