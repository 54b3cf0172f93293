"""Searching the journal: a cache over its files, which builds itself again when it is deleted."""

from __future__ import annotations

import copy
import json
import logging
import sqlite3
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from selfservice.audit.journal import Entry, day_files, newest_file
from selfservice.audit.query import HistoryQuery, LookedFor, exact_mark, looked_for, position_of
from selfservice.scope import EVERYTHING, Scope, Sight
from selfservice.store import scopes
from selfservice.store.cache import Cache
from selfservice.store.scopes import Scopes

log = logging.getLogger(__name__)

_VERSION = 4
_SCHEMA = """
DROP TABLE IF EXISTS actions; DROP TABLE IF EXISTS hosts; DROP TABLE IF EXISTS words; DROP TABLE IF EXISTS read_to;
DROP TABLE IF EXISTS action_scopes;
DROP TABLE IF EXISTS lines; DROP TABLE IF EXISTS letters;
CREATE TABLE lines (number INTEGER PRIMARY KEY, line TEXT NOT NULL);
-- Apart from the lines, and every filter in the indexes: whoever leafs through them reads little.
CREATE TABLE actions (
    number INTEGER PRIMARY KEY, time TEXT NOT NULL, person TEXT NOT NULL, kind TEXT NOT NULL, scope INTEGER NOT NULL
);
CREATE INDEX actions_by_time ON actions (time, scope);
CREATE INDEX actions_by_person ON actions (person, number, scope, kind, time);
CREATE INDEX actions_by_kind ON actions (kind, number, scope, person, time);
CREATE INDEX actions_by_scope ON actions (scope);
CREATE TABLE hosts (host TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (host, number)) WITHOUT ROWID;
CREATE VIRTUAL TABLE words USING fts5(text, kind_mark, person_mark, content='', tokenize='trigram');
-- Every character that is in the words.
CREATE TABLE letters (letter TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE read_to (file TEXT PRIMARY KEY, offset INTEGER NOT NULL);
"""
_SEEN = "scope IN (SELECT value FROM json_each(?))"
#: Asked of each action in its order; SQLite would rather gather all that is seen, and sort it.
_SEEN_IN_ORDER = f"+{_SEEN}"
#: No more are counted: who wants to know does not care whether it were a million.
MOST_COUNTED = 1000
#: Lines are taken in so many at a time: whoever is ended meanwhile goes on from there, and others have their turn.
_BATCH = 2000
_TURN_OF_OTHERS = 0.001
_SETTLED_SECONDS = 0.1
#: So that three characters begin also with the last one.
_END = "  "


@dataclass(frozen=True)
class HistoryPage:
    """One page of actions, and where the next one begins."""

    entries: tuple[Entry, ...]
    next_cursor: str | None
    #: How many fit; `MOST_COUNTED` for that many and more.
    total: int

    @property
    def total_is_least(self) -> bool:
        """Whether there may be more than `total`."""
        return self.total >= MOST_COUNTED

    @property
    def total_in_words(self) -> str:
        """How many fit, for people."""
        return f"{self.total:,} or more" if self.total_is_least else str(self.total)


class _Reading:
    """Remembers how the journal was when all of it had been read, so that most looks need not go through its files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        #: When the folder changed, its newest file, and the bytes of that.
        self._begun_with: tuple[int, Path, int] | None = None
        self._done_with: tuple[int, Path, int] | None = None

    def begin(self) -> None:
        """All of it is about to be read."""
        newest = newest_file(self._folder)
        changed = self._folder.stat().st_mtime_ns if newest else 0
        self._begun_with = (changed, newest, newest.stat().st_size) if newest else None

    def end(self) -> None:
        """All that there was at `begin` has been read."""
        # A file made in the same tick as our look would not move the time of the folder again.
        settled = self._begun_with and time.time_ns() - self._begun_with[0] > _SETTLED_SECONDS * 1e9
        self._done_with = self._begun_with if settled else None

    def forget(self) -> None:
        """It is to be read anew."""
        self._done_with = None

    def is_done(self) -> bool:
        """Whether it is as it was then."""
        if self._done_with is None:
            return False
        changed, newest, size = self._done_with
        try:
            return self._folder.stat().st_mtime_ns == changed and newest.stat().st_size == size
        except FileNotFoundError:
            return False


class History:
    """The searchable past of one node; safe under many processes and threads."""

    def __init__(self, folder: Path, cache_folder: Path) -> None:
        """Search the journal in `folder`; the cache is one file in `cache_folder`."""
        self._folder = folder
        self._lock = threading.Lock()
        self._scopes = Scopes()
        self._reading = _Reading(folder)
        self._cache = Cache(cache_folder / "history.db", _VERSION, scopes.SCHEMA + _SCHEMA, self._reading.forget)
        self._sight: Sight = EVERYTHING

    def seen_by(self, sight: Sight) -> History:
        """The same for somebody: what they do not see is in no page, no count and no export."""
        bound = copy.copy(self)
        bound._sight = sight
        return bound

    def search(self, query: HistoryQuery) -> HistoryPage:
        """One page of what fits. Raises BadInput for a cursor that is not ours."""
        before = position_of(query.cursor) if query.cursor else None
        with self._lock, self._cache.connection() as connection:
            self._read_on(connection)
            found = looked_for(query, [letter for (letter,) in connection.execute("SELECT letter FROM letters")])
            total = self._count(connection, found, newest_first=query.is_met_from_the_newest_on)
            if not total:
                return HistoryPage((), None, 0)
            if not self._sight.everything:
                # Where little is seen, all of it is gathered and sorted.
                little = not found.conditions and total < MOST_COUNTED
                seen = self._scopes.seen(connection, self._sight)
                found = found.also(_SEEN if little else _SEEN_IN_ORDER, seen)
            if before is not None:
                found = found.also(f"{found.number} < ?", before)
            rows = connection.execute(
                "SELECT number, line FROM lines WHERE number IN ("  # noqa: S608
                f"SELECT {found.number} {found.clauses} ORDER BY {found.number} DESC LIMIT ?"
                ") ORDER BY number DESC",
                [*found.values, query.limit + 1],
            ).fetchall()
        shown = rows[: query.limit]
        more = len(rows) > query.limit
        entries = tuple(Entry.from_json(json.loads(line)) for _, line in shown)
        return HistoryPage(entries, str(shown[-1][0]) if more else None, total)

    def _count(self, connection: sqlite3.Connection, found: LookedFor, *, newest_first: bool) -> int:
        """How many fit, up to `MOST_COUNTED`: of what is newer than a moment the newest are met at once."""
        if not self._sight.everything:
            seen = _SEEN_IN_ORDER if found.conditions else _SEEN
            found = found.also(seen, self._scopes.seen(connection, self._sight))
        order = f"ORDER BY {found.number} DESC" if newest_first else ""
        statement = f"SELECT count(*) FROM (SELECT 1 {found.clauses} {order} LIMIT ?)"  # noqa: S608
        (total,) = connection.execute(statement, [*found.values, MOST_COUNTED]).fetchone()
        return int(total)

    def everything(self, query: HistoryQuery) -> Iterator[Entry]:
        """All that fits, newest first, page by page."""
        cursor: str | None = query.cursor
        while True:
            page = self.search(HistoryQuery(**{**query.__dict__, "limit": 500, "cursor": cursor}))
            yield from page.entries
            cursor = page.next_cursor
            if cursor is None:
                return

    def persons(self) -> list[str]:
        """Everybody who ever acted, by name."""
        return self._distinct("person")

    def kinds(self) -> list[str]:
        """Every kind of action that ever happened."""
        return self._distinct("kind")

    def _distinct(self, column: str) -> list[str]:
        # A loop over the index, one step a value: DISTINCT would read every line.
        found = (
            f"WITH RECURSIVE found(value) AS (SELECT min({column}) FROM actions UNION ALL"  # noqa: S608
            f" SELECT (SELECT min({column}) FROM actions WHERE {column} > value) FROM found WHERE value IS NOT NULL)"
            " SELECT value FROM found WHERE value IS NOT NULL"
        )
        seen = f" AND EXISTS (SELECT 1 FROM actions WHERE {column} = value AND {_SEEN_IN_ORDER})"  # noqa: S608
        with self._lock, self._cache.connection() as connection:
            self._read_on(connection)
            if self._sight.everything:
                rows = connection.execute(found)
            else:
                rows = connection.execute(found + seen, [self._scopes.seen(connection, self._sight)])
            return [value for (value,) in rows]

    def _read_on(self, connection: sqlite3.Connection) -> None:
        """Take in the lines that were appended since the last look."""
        if self._reading.is_done():
            return
        self._reading.begin()
        while self._take_in_some(connection):
            time.sleep(_TURN_OF_OTHERS)
        self._reading.end()

    def _take_in_some(self, connection: sqlite3.Connection) -> bool:
        """Take in a batch of them; whether there may be more."""
        connection.execute("BEGIN IMMEDIATE")
        read_to = dict(connection.execute("SELECT file, offset FROM read_to").fetchall())
        sizes = {path: path.stat().st_size for path in day_files(self._folder)}
        gone = set(read_to) - {path.name for path in sizes}
        if gone or any(size < read_to.get(path.name, 0) for path, size in sizes.items()):
            log.warning("files of the journal shrank or vanished; the history is read again")
            connection.executescript(_SCHEMA)
            connection.execute("BEGIN IMMEDIATE")
            read_to = {}
        room = _BATCH
        for path, size in sizes.items():
            offset = read_to.get(path.name, 0)
            if size > offset and room > 0:
                lines = _whole_lines(path, offset, room)
                self._add(connection, lines, path)
                end = offset + sum(map(len, lines))
                connection.execute("INSERT OR REPLACE INTO read_to VALUES (?, ?)", [path.name, end])
                room -= len(lines)
        connection.execute("COMMIT")
        return room <= 0

    def _add(self, connection: sqlite3.Connection, lines: list[bytes], path: Path) -> None:
        (number,) = connection.execute("SELECT coalesce(max(number), 0) FROM actions").fetchone()
        numbers: dict[Scope, int] = {}
        actions, texts, words, hosts = [], [], [], []
        for line in lines:
            try:
                text = line.decode()
                entry = Entry.from_json(json.loads(text))
            except (ValueError, KeyError, TypeError):
                log.warning("a line of %s is damaged and left out of the history", path.name)
                continue
            scope, number = _scope(entry), number + 1
            if scope not in numbers:
                numbers[scope] = Scopes.number_of(connection, scope)
            actions.append((number, entry.time, entry.actor.name, entry.kind, numbers[scope]))
            texts.append((number, text))
            words.append(
                (number, _words(entry), exact_mark("kind", entry.kind), exact_mark("person", entry.actor.name))
            )
            hosts += [(host, number) for host in entry.hosts]
        connection.executemany("INSERT INTO actions VALUES (?, ?, ?, ?, ?)", actions)
        connection.executemany("INSERT INTO lines VALUES (?, ?)", texts)
        connection.executemany("INSERT INTO words (rowid, text, kind_mark, person_mark) VALUES (?, ?, ?, ?)", words)
        connection.executemany("INSERT OR IGNORE INTO hosts VALUES (?, ?)", hosts)
        letters = {letter for _, text, *_ in words for letter in text.lower()}
        connection.executemany("INSERT OR IGNORE INTO letters VALUES (?)", [(letter,) for letter in letters])


def _words(entry: Entry) -> str:
    return (
        " ".join(
            [
                entry.actor.name,
                entry.actor.address,
                entry.kind,
                entry.target,
                entry.outcome,
                entry.run_id or "",
                *entry.hosts,
                *entry.detail.values(),
            ]
        )
        + _END
    )


def _scope(entry: Entry) -> Scope:
    """What an action is about, for whoever decides who sees it."""
    detail = entry.detail
    hosts = tuple(sorted(set(entry.hosts)))
    return Scope(entry.project, hosts, detail.get("operation", ""), detail.get("repository", ""))


def _whole_lines(path: Path, offset: int, most: int) -> list[bytes]:
    """Up to `most` whole lines from byte `offset` on; what a crash has torn, or is being written, is left."""
    with path.open("rb") as file:
        file.seek(offset)
        return [line for line in islice(file, most) if line.endswith(b"\n")]
