"""Searching the journal: a cache over its files, which builds itself again when it is deleted."""

from __future__ import annotations

import copy
import json
import logging
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from selfservice.audit.journal import Entry, day_files, newest_file
from selfservice.errors import BadInput
from selfservice.scope import EVERYTHING, Scope, Sight
from selfservice.store import scopes
from selfservice.store.scopes import Scopes

log = logging.getLogger(__name__)

_VERSION = 3
_SCHEMA = f"""
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
CREATE VIRTUAL TABLE words USING fts5(text, content='', tokenize='trigram');
-- Every character that is in the words.
CREATE TABLE letters (letter TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE read_to (file TEXT PRIMARY KEY, offset INTEGER NOT NULL);
{scopes.SCHEMA}
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
#: The index of words knows parts of three characters: of two, all that begin so are looked for; one is looked for
#: line by line.
_INDEXED, _SHORTEST_INDEXED = 3, 2


#: So that three characters begin also with the last one.
_END = "  "


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
        self._cache = cache_folder / "history.db"
        self._lock = threading.Lock()
        self._scopes = Scopes()
        self._reading = _Reading(folder)
        self._sight: Sight = EVERYTHING

    def seen_by(self, sight: Sight) -> History:
        """The same for somebody: what they do not see is in no page, no count and no export."""
        bound = copy.copy(self)
        bound._sight = sight
        return bound

    def search(self, query: HistoryQuery) -> HistoryPage:
        """One page of what fits. Raises BadInput for a cursor that is not ours."""
        with self._lock, self._connection() as connection:
            self._read_on(connection)
            looked_for = _looked_for(query, [letter for (letter,) in connection.execute("SELECT letter FROM letters")])
            total = self._count(connection, looked_for)
            if not self._sight.everything:
                # Where little is seen, all of it is gathered and sorted.
                little = not looked_for.conditions and total < MOST_COUNTED
                seen = self._scopes.seen(connection, self._sight)
                looked_for = looked_for.also(_SEEN if little else _SEEN_IN_ORDER, seen)
            if query.cursor:
                looked_for = looked_for.also(f"{looked_for.number} < ?", _position(query.cursor))
            rows = connection.execute(
                "SELECT number, line FROM lines WHERE number IN ("  # noqa: S608
                f"SELECT {looked_for.number} {looked_for.clauses} ORDER BY {looked_for.number} DESC LIMIT ?"
                ") ORDER BY number DESC",
                [*looked_for.values, query.limit + 1],
            ).fetchall()
        shown = rows[: query.limit]
        more = len(rows) > query.limit
        entries = tuple(Entry.from_json(json.loads(line)) for _, line in shown)
        return HistoryPage(entries, str(shown[-1][0]) if more else None, total)

    def _count(self, connection: sqlite3.Connection, looked_for: _LookedFor) -> int:
        if not self._sight.everything:
            seen = _SEEN_IN_ORDER if looked_for.conditions else _SEEN
            looked_for = looked_for.also(seen, self._scopes.seen(connection, self._sight))
        statement = f"SELECT count(*) FROM (SELECT 1 {looked_for.clauses} LIMIT ?)"  # noqa: S608
        (total,) = connection.execute(statement, [*looked_for.values, MOST_COUNTED]).fetchone()
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
        with self._lock, self._connection() as connection:
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
            words.append((number, _words(entry)))
            hosts += [(host, number) for host in entry.hosts]
        connection.executemany("INSERT INTO actions VALUES (?, ?, ?, ?, ?)", actions)
        connection.executemany("INSERT INTO lines VALUES (?, ?)", texts)
        connection.executemany("INSERT INTO words (rowid, text) VALUES (?, ?)", words)
        connection.executemany("INSERT OR IGNORE INTO hosts VALUES (?, ?)", hosts)
        letters = {letter for _, text in words for letter in text.lower()}
        connection.executemany("INSERT OR IGNORE INTO letters VALUES (?)", [(letter,) for letter in letters])

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        connection = self._open()
        try:
            yield connection
        except sqlite3.DatabaseError:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        finally:
            connection.close()

    def _open(self) -> sqlite3.Connection:
        try:
            return self._opened()
        except sqlite3.DatabaseError as error:
            log.warning("the cache of the history is unusable (%s) and is built again", error)
            for suffix in ("", "-wal", "-shm"):
                self._cache.with_name(self._cache.name + suffix).unlink(missing_ok=True)
            return self._opened()

    def _opened(self) -> sqlite3.Connection:
        self._cache.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        connection = sqlite3.connect(self._cache, timeout=10, isolation_level=None)
        try:
            if connection.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT;")
                self._reading.forget()
            connection.execute("PRAGMA synchronous = OFF")
        except sqlite3.DatabaseError:
            connection.close()
            raise
        return connection


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


@dataclass(frozen=True)
class _LookedFor:
    """Where to look, in which order of numbers, and on which conditions."""

    source: str
    number: str
    conditions: tuple[str, ...] = ()
    values: tuple[object, ...] = ()

    def also(self, condition: str, value: object) -> _LookedFor:
        """The same with one more condition."""
        return replace(self, conditions=(*self.conditions, condition), values=(*self.values, value))

    @property
    def clauses(self) -> str:
        """FROM and WHERE."""
        return f"FROM {self.source} " + (f"WHERE {' AND '.join(self.conditions)}" if self.conditions else "")


def _match(word: str, letters: Iterable[str]) -> str:
    """What a word is called in the query language of FTS5."""
    begun = [word] if len(word) >= _INDEXED else [word + letter for letter in letters]
    return "(" + " OR ".join('"' + part.replace('"', '""') + '"' for part in begun) + ")"


def _looked_for(query: HistoryQuery, letters: Iterable[str]) -> _LookedFor:
    """What finds least comes first and gives its numbers in order: words, then a host, then all actions."""
    words = query.text.split()
    indexed = [word for word in words if len(word) >= _SHORTEST_INDEXED]
    if indexed:
        found = _LookedFor("words CROSS JOIN actions ON actions.number = words.rowid", "words.rowid")
        found = found.also("words MATCH ?", " AND ".join(_match(word, letters) for word in indexed))
    elif query.host:
        found = _LookedFor("hosts CROSS JOIN actions ON actions.number = hosts.number", "hosts.number")
        found = found.also("hosts.host = ?", query.host)
    else:
        found = _LookedFor("actions", "actions.number")
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


def _position(cursor: str) -> int:
    if not cursor.isascii() or not cursor.isdigit():
        raise BadInput(f"{cursor!r} is not a cursor that this list gave.", "cursor")
    return int(cursor)
