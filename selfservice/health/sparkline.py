"""A line that fits into a word: the last hour of one figure."""

from __future__ import annotations

from collections.abc import Sequence

from selfservice.health.history import Row

WIDTH, HEIGHT = 120, 28


def line(rows: Sequence[Row], figure: str, start: float, end: float, most: float = 100) -> str:
    """The `d` of an SVG path from `start` to `end`, `most` at its top; gaps stay open."""
    parts: list[str] = []
    goes_on = False
    for row in rows:
        value = getattr(row, figure)
        if value is None:
            goes_on = False
            continue
        x = (row.at - start) / (end - start) * WIDTH
        y = HEIGHT - 1 - min(value, most) / most * (HEIGHT - 2)
        parts.append(f"{'L' if goes_on else 'M'}{x:.1f} {y:.1f}")
        # A single point would be invisible.
        if not goes_on:
            parts.append("h.5")
        goes_on = True
    return "".join(parts)
