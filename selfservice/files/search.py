"""Finding a file among thousands by a few letters of its path."""

from __future__ import annotations

import re
from collections.abc import Iterable

_MOST_WORDS = 6


def find(paths: Iterable[str], query: str, most: int = 50) -> list[str]:
    """The paths that fit best: words that stand in the path first, then letters that follow each other in it."""
    words = query.casefold().split()[:_MOST_WORDS]
    if not words:
        return sorted(paths)[:most]
    loose = [re.compile(".*?".join(map(re.escape, word))) for word in words]
    ranked: list[tuple[tuple[int, int, int], str]] = []
    for path in paths:
        folded = path.casefold()
        if all(word in folded for word in words):
            ranked.append((_exact_rank(folded, words), path))
            continue
        spans = [pattern.search(folded) for pattern in loose]
        if all(spans):
            spread = sum(span.end() - span.start() for span in spans if span)
            ranked.append(((4, spread, len(path)), path))
    return [path for _, path in sorted(ranked)[:most]]


def _exact_rank(folded: str, words: list[str]) -> tuple[int, int, int]:
    """Smaller is better: the name itself, its beginning, somewhere in it, somewhere in the path."""
    name = folded.rpartition("/")[2]
    if name in words or folded in words:
        place = 0
    elif any(name.startswith(word) for word in words):
        place = 1
    elif any(word in name for word in words):
        place = 2
    else:
        place = 3
    return (place, folded.count("/"), len(folded))
