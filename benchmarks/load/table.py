"""The one table that everything here is printed in: what, measured, target, met."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """One line; without a target it only reports."""

    what: str
    value: float
    unit: str
    #: At most so much, in the same unit.
    target: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether it is as it should be; None where nothing was asked of it."""
        return None if self.target is None else self.value <= self.target


#: Measures in a new folder, line by line as they are known.
Scenario = Callable[[Path], Iterator[Row]]
_WIDTH = 78


def heading(title: str) -> None:
    """Print what the next lines are about."""
    print(f"\n{title:{_WIDTH}} {'measured':>12}  {'target':>10}  met", flush=True)


def show(row: Row) -> None:
    """Print one line."""
    target = "" if row.target is None else f"≤ {_figure(row.target, row.unit)}"
    met = {True: "yes", False: "NO", None: ""}[row.met]
    print(f"  {row.what:{_WIDTH - 2}} {_figure(row.value, row.unit):>12}  {target:>10}  {met}".rstrip(), flush=True)


def verdict(rows: Iterable[Row]) -> str:
    """How many targets were met."""
    asked = [row for row in rows if row.met is not None]
    return f"{sum(bool(row.met) for row in asked)} of {len(asked)} targets met"


def percentile(values: Iterable[float], share: float) -> float:
    """The value below which `share` (0 to 1) of them lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _figure(value: float, unit: str) -> str:
    digits = 0 if value >= 100 or value == int(value) else 1 if value >= 10 else 2
    return f"{value:,.{digits}f} {unit}".strip()
