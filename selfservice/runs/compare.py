"""Two runs side by side: what each host made of each task, before and after."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from selfservice.runs.events import Results

_BAD = frozenset({"failed", "unreachable"})


class Difference(StrEnum):
    """What became of one task on one host."""

    SAME = "same"
    CHANGED = "changed"
    NEW_FAILURE = "new_failure"
    NEW = "new"
    GONE = "gone"


@dataclass(frozen=True)
class Compared:
    """One task on one host; the status before or after is None where it did not come to it."""

    host: str
    task: str
    before: str | None
    after: str | None

    @property
    def difference(self) -> Difference:
        """What became of it."""
        if self.before == self.after:
            return Difference.SAME
        if self.after is None:
            return Difference.GONE
        if self.after in _BAD:
            return Difference.NEW_FAILURE
        return Difference.NEW if self.before is None else Difference.CHANGED


@dataclass(frozen=True)
class Comparison:
    """Everything two runs did, host by host, in the order of the tasks."""

    rows: tuple[Compared, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many there are of each difference."""
        found = Counter(row.difference.value for row in self.rows)
        return {each.value: found[each.value] for each in Difference}

    @property
    def differences(self) -> tuple[Compared, ...]:
        """Those that are not the same."""
        return tuple(row for row in self.rows if row.difference is not Difference.SAME)


def compare(before: Results, after: Results) -> Comparison:
    """The two side by side. Tasks are known by name, those of the same name by their order."""
    first, second = _by_task(before), _by_task(after)
    places = list(dict.fromkeys([*second, *first]))
    places.sort(key=lambda place: place[0])  # stable: the order of tasks stays
    rows = (Compared(place[0], _named(*place[1:]), first.get(place), second.get(place)) for place in places)
    return Comparison(tuple(rows))


def _by_task(results: Results) -> dict[tuple[str, str, int], str]:
    """The status of each host, task and its number among those of the same name on that host."""
    found: dict[tuple[str, str, int], str] = {}
    numbers: dict[tuple[str, str], dict[str, int]] = {}
    for result in results.results:
        name = results.tasks.get(result.task, result.task)
        known = numbers.setdefault((result.host, name), {})
        number = known.setdefault(result.task, len(known) + 1)
        found[result.host, name, number] = "ok" if result.ignored else result.status
    return found


def _named(task: str, number: int) -> str:
    return task if number == 1 else f"{task} ({number})"
