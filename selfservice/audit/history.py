"""Searching the journal: a cache over its files, which builds itself again when it is deleted."""

from __future__ import annotations

import copy
import json
import logging
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from selfservice.audit.journal import Entry, day_files
from selfservice.errors import BadInput
from selfservice.scope import EVERYTHING, Scope, Sight
from selfservice.store import scopes
from selfservice.store.scopes import Scopes

log = logging.getLogger(__name__)

_VERSION = 2
_SCHEMA = f"""
DROP TABLE IF EXISTS actions; DROP TABLE IF EXISTS hosts; DROP TABLE IF EXISTS words; DROP TABLE IF EXISTS read_to;
DROP TABLE IF EXISTS action_scopes;
CREATE TABLE actions (
    number INTEGER PRIMARY KEY, time TEXT NOT NULL, person TEXT NOT NULL, kind TEXT NOT NULL,
    scope INTEGER NOT NULL, line TEXT NOT NULL
);
CREATE INDEX actions_by_time ON actions (time, scope);
CREATE INDEX actions_by_person ON actions (person, number, scope);
CREATE INDEX actions_by_kind ON actions (kind, number, scope);
CREATE TABLE hosts (host TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (host, number)) WITHOUT ROWID;
-- Beside the lines as well: whoever sees little must not leaf through all that they do not see.
CREATE TABLE action_scopes (number INTEGER PRIMARY KEY, scope INTEGER NOT NULL);
CREATE INDEX action_scopes_by_scope ON action_scopes (scope);
CREATE VIRTUAL TABLE words USING fts5(text, content='', tokenize='trigram');
CREATE TABLE read_to (file TEXT PRIMARY KEY, offset INTEGER NOT NULL);
{scopes.SCHEMA}
"""
_SEEN = "scope IN (SELECT value FROM json_each(?))"
#: The index of words knows parts of three characters and more; what is shorter is looked for line by line.
_SHORTEST_INDEXED = 3


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
    total: int


class History:
    """The searchable past of one node; safe under many processes and threads."""

    def __init__(self, folder: Path, cache_folder: Path) -> None:
        """Search the journal in `folder`; the cache is one file in `cache_folder`."""
        self._folder = folder
        self._cache = cache_folder / "history.db"
        self._lock = threading.Lock()
        self._scopes = Scopes()
        self._sight: Sight = EVERYTHING

    def seen_by(self, sight: Sight) -> History:
        """The same for somebody: what they do not see is in no page, no count and no export."""
        bound = copy.copy(self)
        bound._sight = sight
        return bound

    def search(self, query: HistoryQuery) -> HistoryPage:
        """One page of what fits. Raises BadInput for a cursor that is not ours."""
        conditions, values = _conditions(query)
        with self._lock, self._connection() as connection:
            self._read_on(connection)
            source, conditions, values = self._restricted(connection, conditions, values)
            total = connection.execute(f"SELECT count(*) FROM {source} {_where(conditions)}", values).fetchone()[0]  # noqa: S608
            if query.cursor:
                conditions, values = [*conditions, "number < ?"], [*values, _position(query.cursor)]
            # The numbers first: those alone are leafed through, the lines are only fetched.
            rows = connection.execute(
                "SELECT number, line FROM actions WHERE number IN ("  # noqa: S608
                f"SELECT number FROM {source} {_where(conditions)} ORDER BY number DESC LIMIT ?) ORDER BY number DESC",
                [*values, query.limit + 1],
            ).fetchall()
        shown = rows[: query.limit]
        more = len(rows) > query.limit
        entries = tuple(Entry.from_json(json.loads(line)) for _, line in shown)
        return HistoryPage(entries, str(shown[-1][0]) if more else None, total)

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
        statement = (
            f"WITH RECURSIVE found(value) AS (SELECT min({column}) FROM actions UNION ALL"  # noqa: S608
            f" SELECT (SELECT min({column}) FROM actions WHERE {column} > value) FROM found WHERE value IS NOT NULL)"
            " SELECT value FROM found WHERE value IS NOT NULL"
        )
        seen = f"SELECT EXISTS (SELECT 1 FROM actions WHERE {column} = ? AND {_SEEN})"  # noqa: S608
        with self._lock, self._connection() as connection:
            self._read_on(connection)
            values = [value for (value,) in connection.execute(statement)]
            if self._sight.everything:
                return values
            numbers = self._scopes.seen(connection, self._sight)
            return [each for each in values if connection.execute(seen, [each, numbers]).fetchone()[0]]

    def _restricted(
        self, connection: sqlite3.Connection, conditions: list[str], values: list[object]
    ) -> tuple[str, list[str], list[object]]:
        """Where to look, and on which conditions, so that only what is seen is found."""
        if self._sight.everything:
            return "actions", conditions, values
        seen = self._scopes.seen(connection, self._sight)
        if not conditions:
            return "action_scopes", [_SEEN], [seen]
        return "actions", [*conditions, _SEEN], [*values, seen]

    def _read_on(self, connection: sqlite3.Connection) -> None:
        """Take in the lines that were appended since the last look."""
        connection.execute("BEGIN IMMEDIATE")
        read_to = dict(connection.execute("SELECT file, offset FROM read_to").fetchall())
        paths = day_files(self._folder)
        gone = set(read_to) - {path.name for path in paths}
        if gone or any(path.stat().st_size < read_to.get(path.name, 0) for path in paths):
            log.warning("files of the journal shrank or vanished; the history is read again")
            connection.executescript(_SCHEMA)
            connection.execute("BEGIN IMMEDIATE")
            read_to = {}
        for path in paths:
            offset = read_to.get(path.name, 0)
            if path.stat().st_size > offset:
                end = self._take_in(connection, path, offset)
                connection.execute("INSERT OR REPLACE INTO read_to VALUES (?, ?)", [path.name, end])
        connection.execute("COMMIT")

    def _take_in(self, connection: sqlite3.Connection, path: Path, offset: int) -> int:
        with path.open("rb") as file:
            file.seek(offset)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                offset += len(line)
                self._add(connection, line, path)
        return offset

    def _add(self, connection: sqlite3.Connection, line: bytes, path: Path) -> None:
        try:
            text = line.decode()
            entry = Entry.from_json(json.loads(text))
        except (ValueError, KeyError, TypeError):
            log.warning("a line of %s is damaged and left out of the history", path.name)
            return
        scope = Scopes.number_of(connection, _scope(entry))
        number = connection.execute(
            "INSERT INTO actions (time, person, kind, scope, line) VALUES (?, ?, ?, ?, ?)",
            [entry.time, entry.actor.name, entry.kind, scope, text],
        ).lastrowid
        connection.executemany("INSERT OR IGNORE INTO hosts VALUES (?, ?)", [(host, number) for host in entry.hosts])
        connection.execute("INSERT INTO words (rowid, text) VALUES (?, ?)", [number, _words(entry)])
        connection.execute("INSERT INTO action_scopes VALUES (?, ?)", [number, scope])

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
            connection.execute("PRAGMA synchronous = OFF")
        except sqlite3.DatabaseError:
            connection.close()
            raise
        return connection


def _words(entry: Entry) -> str:
    return " ".join(
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


def _scope(entry: Entry) -> Scope:
    """What an action is about, for whoever decides who sees it."""
    detail = entry.detail
    hosts = tuple(sorted(set(entry.hosts)))
    return Scope(entry.project, hosts, detail.get("operation", ""), detail.get("repository", ""))


def _where(conditions: list[str]) -> str:
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""


def _conditions(query: HistoryQuery) -> tuple[list[str], list[object]]:
    conditions: list[str] = []
    values: list[object] = []
    simple = (
        ("person = ?", query.person),
        ("kind = ?", query.kind),
        ("time >= ?", query.since),
        ("time < ?", query.until),
        ("number IN (SELECT number FROM hosts WHERE host = ?)", query.host),
    )
    for condition, value in simple:
        if value:
            conditions.append(condition)
            values.append(value)
    for word in query.text.split():
        if len(word) >= _SHORTEST_INDEXED:
            conditions.append("number IN (SELECT rowid FROM words WHERE words MATCH ?)")
            values.append('"' + word.replace('"', '""') + '"')
        else:
            conditions.append("instr(lower(line), lower(?)) > 0")
            values.append(word)
    return conditions, values


def _position(cursor: str) -> int:
    if not cursor.isascii() or not cursor.isdigit():
        raise BadInput(f"{cursor!r} is not a cursor that this list gave.", "cursor")
    return int(cursor)
