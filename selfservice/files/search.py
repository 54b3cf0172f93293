"""Finding a file among thousands by a few letters of its path."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

_MOST_WORDS = 6


def find(paths: Iterable[str], query: str, most: int = 50) -> list[str]:
    """The paths that fit best: words that stand in the path first, then letters that follow each other in it."""
    words = query.casefold().split()[:_MOST_WORDS]
    if not words:
        return sorted(paths)[:most]
    folded = [(path.casefold(), path) for path in paths]
    exact = [(_exact_rank(each, words), path) for each, path in folded if all(word in each for word in words)]
    found = [path for _, path in sorted(exact)[:most]]
    if len(found) < most:
        known = set(found)
        rest = [(rank, path) for each, path in folded if path not in known and (rank := _loose_rank(each, words))]
        found += [path for _, path in sorted(rest)[: most - len(found)]]
    return found


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


def _loose_rank(folded: str, words: list[str]) -> tuple[int, int] | None:
    """Smaller is better: how far apart the letters stand; None where they do not follow each other."""
    spread = 0
    for word in words:
        span = _pattern(word).search(folded)
        if span is None:
            return None
        spread += span.end() - span.start()
    return (spread, len(folded))


@lru_cache(maxsize=64)
def _pattern(word: str) -> re.Pattern[str]:
    return re.compile(".*?".join(map(re.escape, word)))
