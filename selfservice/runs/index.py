"""A cache over artifacts/ that lists and searches runs; delete it and it builds itself again."""

from __future__ import annotations

import json
import logging
import math
import os
import sqlite3
import threading
import time
from collections.abc import Hashable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from selfservice.runs.errors import RunNotFound
from selfservice.runs.folder import RunFolder
from selfservice.runs.listing import (
    COLUMNS,
    PERSON,
    RunPage,
    RunQuery,
    RunRow,
    Usual,
    Values,
    conditions_of,
    position_of,
    row_of,
    seconds_between,
    values_of,
)
from selfservice.runs.run import Run, RunRequest, State
from selfservice.scope import EVERYTHING, Sight
from selfservice.store import scopes
from selfservice.store.cache import Cache
from selfservice.store.ids import is_id
from selfservice.store.scopes import Scopes

log = logging.getLogger(__name__)

_VERSION = 6
_SCHEMA = """
DROP TABLE IF EXISTS runs;
CREATE TABLE IF NOT EXISTS runs (
    id TEXT PRIMARY KEY, queued_at TEXT NOT NULL, started_at TEXT, ended_at TEXT,
    state TEXT NOT NULL, why TEXT NOT NULL, rc INTEGER, kind TEXT NOT NULL, title TEXT NOT NULL,
    hosts TEXT NOT NULL, host_count INTEGER NOT NULL, person TEXT NOT NULL, via TEXT NOT NULL,
    node TEXT NOT NULL, again_of TEXT, operation TEXT NOT NULL, is_check INTEGER NOT NULL,
    schedule TEXT, fingerprint TEXT NOT NULL, project TEXT NOT NULL, words TEXT NOT NULL, scope INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS changes (total INTEGER NOT NULL);
INSERT INTO changes SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM changes);
CREATE INDEX IF NOT EXISTS runs_by_time ON runs (queued_at, id, scope);
-- All that a search looks at, close together: it reads every run, but of each no more than this.
CREATE INDEX IF NOT EXISTS runs_by_words ON runs (queued_at, id, state, scope, words);
CREATE INDEX IF NOT EXISTS runs_by_state ON runs (state, queued_at, id, scope);
CREATE INDEX IF NOT EXISTS runs_by_scope ON runs (scope, state, queued_at);
CREATE INDEX IF NOT EXISTS runs_by_title ON runs (title, kind, queued_at);
CREATE INDEX IF NOT EXISTS runs_by_operation ON runs (operation, queued_at, id, scope);
CREATE INDEX IF NOT EXISTS runs_by_project ON runs (project, queued_at, id, scope);
CREATE INDEX IF NOT EXISTS runs_by_schedule ON runs (schedule, queued_at, id, scope) WHERE schedule IS NOT NULL;
"""
_BY_PERSON = f"CREATE INDEX IF NOT EXISTS runs_by_person ON runs ({PERSON}, queued_at, id, scope);"
_SEEN = "scope IN (SELECT value FROM json_each(?))"
#: Asked of each run in the order of time; SQLite would rather gather all that is seen, and sort it.
_SEEN_IN_ORDER = f"+{_SEEN}"
_COLUMN_OF_STATE = 4
_SETTLED_SECONDS = 0.1
#: Folders are compared with the index at most this share of the time, once there are so many that it takes long.
_COMPARING_SHARE = 0.05
_COMPARING_IS_LONG = 0.02
#: Runs are taken in so many at a time: whoever is ended meanwhile goes on from there, and others have their turn.
_BATCH = 500
_TURN_OF_OTHERS = 0.001
_MOST_COUNTS = 200
_GOING_ON = (State.QUEUED.value, State.RUNNING.value)


class RunIndex:
    """The index over one artifacts folder; safe under many processes and threads."""

    def __init__(self, artifacts: Path, cache: Path, longest_refresh: float = math.inf) -> None:
        """Keep the cache file at `cache`; nothing is read yet.

        After `longest_refresh` seconds of taking in runs, the newest first, it goes on with those it knows by then,
        and takes in more the next time.
        """
        self._artifacts = artifacts
        self._longest_refresh = longest_refresh
        self._cache = Cache(cache, _VERSION, scopes.SCHEMA + _SCHEMA + _BY_PERSON, self._forget)
        self._lock = threading.Lock()
        self._seen_mtime: int | None = None
        #: Runs that are there and still to be taken in, the newest last.
        self._coming: list[str] = []
        #: Of each run that goes on, the stamp of its state and which that was, as read last.
        self._stood: dict[str, tuple[object, str]] = {}
        self._scopes = Scopes()
        self._compared_at = 0.0
        self._comparing_seconds = 0.0
        #: The counts of the latest versions, by what is seen: every open page wants them at the same moment.
        self._counts: dict[Hashable, dict[str, int]] = {}

    def _forget(self) -> None:
        """All of it is to be read anew."""
        self._seen_mtime = None
        self._coming = []
        self._stood = {}

    def add(self, run_id: str) -> None:
        """Take in a run that was just made, without a look at all others."""
        with self._lock, self._cache.connection() as connection:
            self._write(connection, set(), self._read([run_id]))

    def refresh(self) -> None:
        """Take in what changed in artifacts/: new folders, gone folders, runs that went on."""
        with self._lock, self._cache.connection() as connection:
            mtime = self._artifacts.stat().st_mtime_ns
            if not self._coming and mtime != self._seen_mtime and self._may_compare():
                self._compare_folders(connection)
                # A folder made in the same tick as our look would not move the mtime again.
                settled = time.time_ns() - mtime > _SETTLED_SECONDS * 1e9
                self._seen_mtime = mtime if settled else None
            self._take_in(connection)
            self._write(connection, set(), self._went_on(connection))

    def page(self, query: RunQuery, sight: Sight = EVERYTHING) -> RunPage:
        """One page of runs that `sight` sees, newest first. Raises BadInput for a cursor that is not ours."""
        self.refresh()
        conditions, values = conditions_of(query)
        source = "runs INDEXED BY runs_by_words" if query.text.split() else "runs"
        with self._cache.connection() as connection:
            ordered, given = self._where(connection, conditions, values, sight, _SEEN_IN_ORDER)
            if query.cursor:
                glue = "AND" if ordered else "WHERE"
                ordered, given = f"{ordered} {glue} (queued_at, id) < (?, ?)", [*given, *position_of(query.cursor)]
            # The ids first: those stand in the indexes, the rows are only fetched.
            rows = connection.execute(
                f"SELECT {COLUMNS} FROM runs WHERE id IN ("  # noqa: S608
                f"SELECT id FROM {source} {ordered} ORDER BY queued_at DESC, id DESC LIMIT ?"
                ") ORDER BY queued_at DESC, id DESC",
                [*given, query.limit + 1],
            ).fetchall()
            total = len(rows)
            if query.cursor or total > query.limit:
                seen = _SEEN_IN_ORDER if conditions else _SEEN
                where, values = self._where(connection, conditions, values, sight, seen)
                total = connection.execute(f"SELECT count(*) FROM {source} {where}", values).fetchone()[0]  # noqa: S608
        found = tuple(row_of(row) for row in rows[: query.limit])
        more = len(rows) > query.limit
        return RunPage(found, f"{found[-1].queued_at}~{found[-1].id}" if more else None, total)

    def queue(self, sight: Sight = EVERYTHING) -> list[str]:
        """The ids of queued runs, first come first."""
        return self._ids(State.QUEUED, sight)

    def running(self, sight: Sight = EVERYTHING) -> list[str]:
        """The ids of runs whose folder says running."""
        return self._ids(State.RUNNING, sight)

    def counts(self, sight: Sight = EVERYTHING, project: str = "") -> dict[str, int]:
        """How many runs are in each state; since midnight UTC, how many there were (`today`) and how many failed
        (`failed_today`). Where a project is named, of its runs alone.
        """
        midnight = datetime.now(UTC).strftime("%Y-%m-%dT00:00:00")
        key = (self.version(), midnight, sight.key, project)
        with self._lock:
            if key in self._counts:
                return self._counts[key]
        failed, since = "state IN ('failed', 'timed_out', 'lost')", "queued_at >= ?"
        own, named = (["project = ?"], [project]) if project else ([], [])
        with self._cache.connection() as connection:
            where, values = self._where(connection, own, named, sight)
            grouped = f"SELECT state, count(*) FROM runs {where} GROUP BY state"  # noqa: S608
            counts = dict(connection.execute(grouped, values).fetchall())
            for name, conditions in (("today", [since]), ("failed_today", [failed, since])):
                where, values = self._where(connection, [*conditions, *own], [midnight, *named], sight, _SEEN_IN_ORDER)
                counts[name] = connection.execute(f"SELECT count(*) FROM runs {where}", values).fetchone()[0]  # noqa: S608
        counts = {**{state.value: 0 for state in State}, **counts}
        with self._lock:
            self._counts = {key: counts} if len(self._counts) >= _MOST_COUNTS else {**self._counts, key: counts}
        return counts

    def going_on(self, fingerprint: str) -> RunRow | None:
        """The oldest queued or running run that asks for the same, or None."""
        self.refresh()
        with self._cache.connection() as connection:
            row = connection.execute(
                f"SELECT {COLUMNS} FROM runs WHERE fingerprint = ? AND state IN (?, ?)"  # noqa: S608
                " ORDER BY queued_at LIMIT 1",
                [fingerprint, *_GOING_ON],
            ).fetchone()
        return row_of(row) if row else None

    def usual(self, request: RunRequest, sight: Sight = EVERYTHING) -> Usual | None:
        """How long the last 20 successful runs of the same thing on as many hosts took, or None."""
        what, name = ("operation", request.operation) if request.operation else ("title", request.title)
        same = [f"{what} = ?", "kind = ?", "is_check = ?", "host_count = ?", "state = 'successful'"]
        return self._usual(same, [name, request.kind.value, request.check, len(request.host_names)], sight)

    def usual_of(self, operation: str, sight: Sight = EVERYTHING) -> Usual | None:
        """How long the last 20 successful runs of an operation took, on however many hosts, or None."""
        return self._usual(["operation = ?", "is_check = 0", "state = 'successful'"], [operation], sight)

    def _usual(self, same: list[str], given: list[object], sight: Sight) -> Usual | None:
        with self._cache.connection() as connection:
            where, values = self._where(connection, same, given, sight, _SEEN_IN_ORDER)
            rows = connection.execute(
                f"SELECT started_at, ended_at FROM runs {where} ORDER BY queued_at DESC LIMIT 20",  # noqa: S608
                values,
            ).fetchall()
        took = sorted(seconds_between(start, end) for start, end in rows if start and end)
        if not took:
            return None
        return Usual(took[len(took) // 2], took[min(len(took) - 1, int(len(took) * 0.95))], tuple(took))

    def before(self, run: Run, sight: Sight = EVERYTHING) -> str | None:
        """The id of the latest run of the same thing before this one, or None."""
        request = run.request
        same = ["title = ?", "kind = ?", "operation = ?", "is_check = ?", "(queued_at, id) < (?, ?)"]
        given = [request.title, request.kind.value, request.operation, request.check, run.queued_at, run.id]
        with self._cache.connection() as connection:
            where, values = self._where(connection, same, given, sight, _SEEN_IN_ORDER)
            latest = f"SELECT id FROM runs {where} ORDER BY queued_at DESC, id DESC LIMIT 1"  # noqa: S608
            row = connection.execute(latest, values).fetchone()
        return str(row[0]) if row else None

    def version(self) -> tuple[int, ...]:
        """Differs whenever a run came, went on or went, by whichever process it was noticed."""
        self.refresh()
        with self._cache.connection() as connection:
            (changes,) = connection.execute("SELECT total FROM changes").fetchone()
        return (changes,)

    def _ids(self, state: State, sight: Sight = EVERYTHING) -> list[str]:
        self.refresh()
        with self._cache.connection() as connection:
            where, values = self._where(connection, ["state = ?"], [state.value], sight, _SEEN_IN_ORDER)
            rows = connection.execute(f"SELECT id FROM runs {where} ORDER BY queued_at, id", values)  # noqa: S608
            return [run_id for (run_id,) in rows]

    def _where(
        self,
        connection: sqlite3.Connection,
        conditions: list[str],
        values: Sequence[object],
        sight: Sight,
        seen: str = _SEEN,
    ) -> tuple[str, list[object]]:
        """The conditions, and that it is seen: this one place hides runs from lists and counts."""
        if not sight.everything:
            conditions, values = [seen, *conditions], [self._scopes.seen(connection, sight), *values]
        return (f"WHERE {' AND '.join(conditions)}" if conditions else ""), list(values)

    def _may_compare(self) -> bool:
        """Whether it is time: runs that this program starts are `add`ed and do not wait for this."""
        if self._comparing_seconds < _COMPARING_IS_LONG:
            return True
        return time.monotonic() - self._compared_at > self._comparing_seconds / _COMPARING_SHARE

    def _compare_folders(self, connection: sqlite3.Connection) -> None:
        """Forget the runs that are known but gone, and note those that are there but not known."""
        begun = time.monotonic()
        there = {entry.name for entry in os.scandir(self._artifacts) if is_id(entry.name)}
        known = {run_id for (run_id,) in connection.execute("SELECT id FROM runs")}
        self._compared_at = time.monotonic()
        self._comparing_seconds = self._compared_at - begun
        self._write(connection, known - there, [])
        self._coming = sorted(there - known)

    def _take_in(self, connection: sqlite3.Connection) -> None:
        """Read the runs that are still to come; what another process has taken in meanwhile is not read again."""
        until = time.monotonic() + self._longest_refresh
        while self._coming:
            batch = self._coming[-_BATCH:]
            taken_in = "SELECT id FROM runs WHERE id IN (SELECT value FROM json_each(?))"
            known = {run_id for (run_id,) in connection.execute(taken_in, [json.dumps(batch)])}
            self._write(connection, set(), self._read(set(batch) - known))
            del self._coming[-_BATCH:]
            if self._coming:
                if time.monotonic() > until:
                    return
                time.sleep(_TURN_OF_OTHERS)

    def _went_on(self, connection: sqlite3.Connection) -> list[Values]:
        """The new rows of runs whose state is no longer what the index says."""
        statement = "SELECT id, state FROM runs WHERE state IN (?, ?)"
        known = dict(connection.execute(statement, _GOING_ON).fetchall())
        stamps = {run_id: RunFolder(self._artifacts, run_id).stamp() for run_id in known}
        # Most stand as they stood when they were read, where hundreds wait.
        unsure = [run_id for run_id, state in known.items() if self._stood.get(run_id) != (stamps[run_id], state)]
        read = {str(row[0][0]): row for row in self._read(unsure)}
        stood = {run_id: (stamps[run_id], str(row[0][_COLUMN_OF_STATE])) for run_id, row in read.items()}
        self._stood = {run_id: each for run_id, each in {**self._stood, **stood}.items() if run_id in known}
        return [row for run_id, row in read.items() if stood[run_id][1] != known[run_id]]

    def _read(self, run_ids: Iterable[str]) -> list[Values]:
        """The rows of these runs, from their folders; what cannot be read is left out and logged."""
        rows: list[Values] = []
        for run_id in sorted(run_ids):
            folder = RunFolder(self._artifacts, run_id)
            try:
                rows.append(values_of(folder.run(), folder.status()))
            except RunNotFound as error:
                log.warning("left out of the list: %s", error.sentence)
        return rows

    def _write(self, connection: sqlite3.Connection, gone: set[str], rows: list[Values]) -> None:
        if not gone and not rows:
            return
        # Begun as a writer: a reader that becomes one is refused at once where another process writes.
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("DELETE FROM runs WHERE id = ?", [(run_id,) for run_id in gone])
        for values, scope in rows:
            row = [*values, Scopes.number_of(connection, scope)]
            marks = ", ".join("?" * len(row))
            connection.execute(f"INSERT OR REPLACE INTO runs ({COLUMNS}, words, scope) VALUES ({marks})", row)  # noqa: S608
        connection.execute("UPDATE changes SET total = total + 1")
        connection.execute("COMMIT")
