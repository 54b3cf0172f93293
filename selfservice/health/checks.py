"""What scheduled checks found: the last result for each host of the operations that look at its health."""

from __future__ import annotations

import copy
import threading
from collections import OrderedDict
from dataclasses import dataclass

from selfservice.errors import ApplicationError
from selfservice.runs import results
from selfservice.runs.events import Results
from selfservice.runs.listing import RunQuery, RunRow
from selfservice.runs.run import State
from selfservice.runs.runs import Runs
from selfservice.scope import Sight

#: The operations that say how a host is.
OPERATIONS = ("health_check", "api_probe")
_RUNS_LOOKED_AT = 50
_RUNS_REMEMBERED = 200
_WORST_FIRST = ("unreachable", "failed", "changed", "ok", "skipped")
#: A run that ended so says nothing about its hosts.
_SAYS_NOTHING = (State.CANCELED, State.LOST)


@dataclass(frozen=True)
class HostCheck:
    """What one operation last said of one host."""

    host: str
    operation: str
    #: As a recap says it: ok, failed, unreachable and so on.
    state: str
    #: What Ansible said where it failed.
    why: str
    run_id: str
    ended_at: str


class Checks:
    """The last result for each host and operation; what ended once is read once."""

    def __init__(self, runs: Runs) -> None:
        """Look into `runs`."""
        self._runs = runs
        self._lock = threading.Lock()
        self._read: OrderedDict[str, tuple[HostCheck, ...]] = OrderedDict()

    def seen_by(self, sight: Sight) -> Checks:
        """The same for somebody: of the runs that they see."""
        bound = copy.copy(self)
        bound._runs = self._runs.seen_by(sight)
        return bound

    def latest(self) -> list[HostCheck]:
        """One for each host and operation, problems first and then by host."""
        found: dict[tuple[str, str], HostCheck] = {}
        for operation in OPERATIONS:
            for row in self._runs.list(RunQuery(operation=operation, limit=_RUNS_LOOKED_AT)).runs:
                if row.state.ended and row.state not in _SAYS_NOTHING and not row.is_check:
                    for check in self._of(row):
                        found.setdefault((check.host, operation), check)
        return sorted(found.values(), key=lambda each: (_WORST_FIRST.index(each.state), each.host, each.operation))

    def _of(self, row: RunRow) -> tuple[HostCheck, ...]:
        with self._lock:
            if row.id not in self._read:
                self._read[row.id] = self._checks(row)
                if len(self._read) > _RUNS_REMEMBERED:
                    self._read.popitem(last=False)
            self._read.move_to_end(row.id)
            return self._read[row.id]

    def _checks(self, row: RunRow) -> tuple[HostCheck, ...]:
        try:
            found = results.of(self._runs.folder(row.id))
        except (ApplicationError, OSError):  # removed since it was listed
            return ()
        why = _messages(found)
        ended_at = row.ended_at or row.queued_at
        return tuple(
            HostCheck(host, row.operation, recap.state, why.get(host, ""), row.id, ended_at)
            for host, recap in found.hosts.items()
        )


def _messages(found: Results) -> dict[str, str]:
    """The last thing that failed on each host, in Ansible's words."""
    return {each.host: each.message for each in found.results if each.message and not each.ignored}
