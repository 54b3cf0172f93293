"""What was changed in a file, line by line, as git tells it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from selfservice.files.git import GitFailed, outcome_of
from selfservice.files.text import decoded

_MOST_LINES = 2000


@dataclass(frozen=True)
class DiffLine:
    """One line; `kind` is added, removed, place or same."""

    kind: str
    text: str


@dataclass(frozen=True)
class Difference:
    """All lines that differ, with what is around them."""

    lines: tuple[DiffLine, ...]
    added: int
    removed: int
    #: How many further lines are not shown.
    left_out: int = 0
    #: Why no lines are shown, where they cannot be.
    reason: str = ""


def difference(before: bytes | None, after: bytes | None) -> Difference:
    """From `before` to `after`; None where there is no file."""
    texts = [decoded(side) if side is not None else None for side in (before, after)]
    if any(side is not None and text is None for side, text in zip((before, after), texts, strict=True)):
        return Difference((), 0, 0, reason="This is no text, so its lines cannot be compared.")
    with tempfile.TemporaryDirectory(prefix="selfservice-diff-") as folder:
        paths = [Path(folder) / name for name in ("before", "after")]
        for path, text in zip(paths, texts, strict=True):
            path.write_bytes(text.text.encode() if text else b"")
        words = ("diff", "--no-index", "--no-color", "--no-ext-diff", "--text", *map(str, paths))
        code, output, error = outcome_of(words)
    if code not in (0, 1):
        raise GitFailed("diff", code, error)
    return _read(output.decode("utf-8", "replace"))


def _read(text: str) -> Difference:
    lines = []
    inside = False
    for line in text.split("\n"):
        inside = inside or line.startswith("@@")
        if inside and line:
            lines.append(_line(line))
    return Difference(
        tuple(lines[:_MOST_LINES]),
        sum(line.kind == "added" for line in lines),
        sum(line.kind == "removed" for line in lines),
        max(0, len(lines) - _MOST_LINES),
    )


def _line(line: str) -> DiffLine:
    kinds = {"+": "added", "-": "removed", "@": "place", "\\": "place"}
    # A line end of DOS would break the page's lines; a sign for it tells where it comes or goes.
    return DiffLine(kinds.get(line[:1], "same"), line.removesuffix("\r") + ("␍" if line.endswith("\r") else ""))
