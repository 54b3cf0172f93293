"""Three sides of one file brought together: what was, what others made of it, what I made of it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from selfservice.files.git import GitFailed, outcome_of

_BINARY = 255
MARKERS = (b"<<<<<<< ", b"||||||| ", b"=======", b">>>>>>> ")


@dataclass(frozen=True)
class Merged:
    """What came out, and in how many places somebody has to decide."""

    content: bytes
    #: None where the file is no text, so nothing was brought together.
    conflicts: int | None


def three_way(base: bytes, theirs: bytes, mine: bytes) -> Merged:
    """Both changes in one file; where they contradict each other, all three sides between markers."""
    if theirs in (base, mine):
        return Merged(mine, 0)
    if mine == base:
        return Merged(theirs, 0)
    with tempfile.TemporaryDirectory(prefix="selfservice-merge-") as folder:
        paths = [Path(folder) / name for name in ("mine", "base", "theirs")]
        for path, content in zip(paths, (mine, base, theirs), strict=True):
            path.write_bytes(content)
        labels = [word for name in ("mine", "before", "theirs") for word in ("-L", name)]
        words = ("merge-file", "--stdout", "--diff3", *labels, *map(str, paths))
        code, output, error = outcome_of(words)
    if code >= _BINARY:
        if "binary" not in error.lower():
            raise GitFailed("merge-file", code, error)
        return Merged(mine, None)
    return Merged(output, code)


def has_markers(content: bytes) -> bool:
    """Whether somebody forgot to decide."""
    lines = content.splitlines()
    return all(any(line.startswith(marker) for line in lines) for marker in (MARKERS[0], MARKERS[3]))
