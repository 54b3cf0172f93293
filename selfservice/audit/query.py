"""What is looked for in the history, and how the index finds it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from selfservice.errors import BadInput

#: The index of words knows parts of three characters: of two, all that begin so are looked for; one is looked for
#: line by line.
_INDEXED, _SHORTEST_INDEXED = 3, 2
#: The private use area of the basic plane (Unicode 23.5).
_FIRST_MARK, _MARKS = 0xE000, 6400
#: In digits: SQLite counts a little further.
_LONGEST_CURSOR = 18


@dataclass(frozen=True)
class HistoryQuery:
    """What to show, newest first: everything that is given must fit."""

    person: str = ""
    kind: str = ""
    host: str = ""
    #: ISO 8601, UTC; `until` is left out itself.
    since: str = ""
    until: str = ""
    text: str = ""
    limit: int = 50
    cursor: str | None = None

    @property
    def is_met_from_the_newest_on(self) -> bool:
        """Whether the newest of a kind or person fit, found by an index in their order; that of times is in none."""
        return bool((self.kind or self.person) and self.since and not self.until)


@dataclass(frozen=True)
class LookedFor:
    """Where to look, in which order of numbers, and on which conditions."""

    source: str
    number: str
    conditions: tuple[str, ...] = ()
    values: tuple[object, ...] = ()

    def also(self, condition: str, value: object) -> LookedFor:
        """The same with one more condition."""
        return replace(self, conditions=(*self.conditions, condition), values=(*self.values, value))

    @property
    def clauses(self) -> str:
        """FROM and WHERE."""
        return f"FROM {self.source} " + (f"WHERE {' AND '.join(self.conditions)}" if self.conditions else "")


@lru_cache(maxsize=4096)
def exact_mark(field: str, value: str) -> str:
    """As many characters as the index of words looks up at once, for the whole of a value: one part instead of many.

    They are of the area of Unicode that is nobody's. What fits them by chance, the columns of the actions tell apart.
    """
    digest = hashlib.sha256(f"{field}\0{value}".encode()).digest()
    numbers = (int.from_bytes(digest[place : place + 2], "big") for place in range(0, 2 * _INDEXED, 2))
    return "".join(chr(_FIRST_MARK + number % _MARKS) for number in numbers)


def _match(word: str, letters: Iterable[str]) -> str:
    """What a word is called in the query language of FTS5."""
    begun = [word] if len(word) >= _INDEXED else [word + letter for letter in letters]
    return "(" + " OR ".join('"' + part.replace('"', '""') + '"' for part in begun) + ")"


def looked_for(query: HistoryQuery, letters: Iterable[str]) -> LookedFor:
    """What finds least comes first and gives its numbers in order: words, then a host, then all actions."""
    words = query.text.split()
    indexed = [word for word in words if len(word) >= _SHORTEST_INDEXED]
    if indexed:
        found = LookedFor("words CROSS JOIN actions ON actions.number = words.rowid", "words.rowid")
        # They stand among the words as well: what fits all of it is found at once, however much fits the words alone.
        exact = [exact_mark(name, value) for name, value in (("kind", query.kind), ("person", query.person)) if value]
        exact += [query.host] if len(query.host) >= _INDEXED else []
        found = found.also("words MATCH ?", " AND ".join(_match(word, letters) for word in [*indexed, *exact]))
    elif query.host:
        found = LookedFor("hosts CROSS JOIN actions ON actions.number = hosts.number", "hosts.number")
        found = found.also("hosts.host = ?", query.host)
    else:
        found = LookedFor("actions", "actions.number")
    for condition, value in (
        ("person = ?", query.person),
        ("kind = ?", query.kind),
        ("time >= ?", query.since),
        ("time < ?", query.until),
    ):
        if value:
            found = found.also(condition, value)
    if indexed and query.host:
        found = found.also("EXISTS (SELECT 1 FROM hosts WHERE host = ? AND number = actions.number)", query.host)
    for word in words:
        if word not in indexed:
            line = "(SELECT line FROM lines WHERE lines.number = actions.number)"
            found = found.also(f"instr(lower({line}), lower(?)) > 0", word)
    return found


def position_of(cursor: str) -> int:
    """Before which number a page begins. Raises BadInput for a cursor that is not ours."""
    if not cursor.isascii() or not cursor.isdigit() or len(cursor) > _LONGEST_CURSOR:
        raise BadInput(f"{cursor!r} is not a cursor that this list gave.", "cursor")
    return int(cursor)
