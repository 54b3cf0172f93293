"""The steps of the tables: asked at each start, before anything large is loaded."""

from __future__ import annotations

from pathlib import Path

_STEPS = Path(__file__).with_name("migrations") / "versions"


def newest_step() -> str:
    """The number of the newest step, such as 0007."""
    return max(path.name[1:5] for path in _STEPS.glob("r[0-9]*_*.py"))
