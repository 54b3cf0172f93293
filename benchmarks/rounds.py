"""Ways to do the same work, compared round by round: what slows the machine down slows all of a round down."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Mapping

#: Does the work once, and says how many seconds that took.
Way = Callable[[], float]


def compare(work: str, ways: Mapping[str, Way], rounds: int, *, warm_up: bool = True) -> None:
    """Print the median of each way, and its ratio to the first."""
    if warm_up:
        for way in ways.values():
            way()  # opens connections and warms caches, and is not counted
    took: dict[str, list[float]] = {label: [] for label in ways}
    for number in range(rounds):
        labels = list(ways)[::-1] if number % 2 else list(ways)  # in turns
        for label in labels:
            os.sync()  # what the way before has written is not this one's to wait for
            took[label].append(ways[label]())
    first = next(iter(took.values()))
    print(f"{work}, median of {rounds} rounds" if rounds > 1 else work)
    for label, each in took.items():
        ratios = [ours / theirs for ours, theirs in zip(each, first, strict=True)]
        spread = f"  ({min(ratios):.2f} to {max(ratios):.2f})" if rounds > 1 else ""
        ratio = "" if each is first else f"   ratio {statistics.median(ratios):.2f}{spread}"
        print(f"  {label:<36} {statistics.median(each):7.2f} s{ratio}", flush=True)
