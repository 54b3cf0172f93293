"""A cache over artifacts/ that lists and searches runs; delete it and it builds itself again."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from selfservice.errors import BadInput
from selfservice.runs.errors import RunNotFound
from selfservice.runs.folder import RunFolder
from selfservice.runs.run import Run, RunRequest, State, Status
from selfservice.scope import EVERYTHING, Scope, Sight
from selfservice.store import scopes
from selfservice.store.ids import is_id
from selfservice.store.scopes import Scopes

log = logging.getLogger(__name__)

_VERSION = 5
_SCHEMA = """
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
_COLUMNS = (
    "id, queued_at, started_at, ended_at, state, why, rc, kind, title, hosts, host_count, person, via, node, again_of,"
    " operation, is_check, schedule, fingerprint, project"
)
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
_BUSY_SECONDS = 10
_GOING_ON = (State.QUEUED.value, State.RUNNING.value)


@dataclass(frozen=True)
class RunRow:
    """One run as lists show it."""

    id: str
    queued_at: str
    started_at: str | None
    ended_at: str | None
    state: State
    why: str
    rc: int | None
    kind: str
    title: str
    hosts: str
    host_count: int
    person: str
    via: str
    node: str
    again_of: str | None
    #: Empty where the run is no operation's.
    operation: str
    is_check: bool
    schedule: str | None
    #: What `RunRequest.fingerprint` says of its request.
    fingerprint: str
    #: Empty where it runs in none.
    project: str


@dataclass(frozen=True)
class RunQuery:
    """What a list shows: newest first, `limit` at a time, from after `cursor`."""

    state: State | None = None
    text: str = ""
    limit: int = 50
    cursor: str | None = None
    operation: str = ""
    schedule: str = ""
    project: str = ""


@dataclass(frozen=True)
class RunPage:
    """One page of a list, and where the next one begins."""

    runs: tuple[RunRow, ...]
    next_cursor: str | None
    total: int


@dataclass(frozen=True)
class Usual:
    """How long successful runs of the same thing on as many hosts took lately."""

    median_seconds: float
    p95_seconds: float
    sample: tuple[float, ...]


class RunIndex:
    """The index over one artifacts folder; safe under many processes and threads."""

    def __init__(self, artifacts: Path, cache: Path) -> None:
        """Keep the cache file at `cache`; nothing is read yet."""
        self._artifacts = artifacts
        self._cache = cache
        self._lock = threading.Lock()
        self._seen_mtime: int | None = None
        self._scopes = Scopes()
        self._compared_at = 0.0
        self._comparing_seconds = 0.0
        #: The counts of the latest versions, by what is seen: every open page wants them at the same moment.
        self._counts: dict[Hashable, dict[str, int]] = {}

    def add(self, run_id: str) -> None:
        """Take in a run that was just made, without a look at all others."""
        with self._lock, self._connection() as connection:
            self._write(connection, set(), self._read([run_id]))

    def refresh(self) -> None:
        """Take in what changed in artifacts/: new folders, gone folders, runs that went on."""
        with self._lock, self._connection() as connection:
            mtime = self._artifacts.stat().st_mtime_ns
            if mtime != self._seen_mtime and self._may_compare():
                self._compare_folders(connection)
                # A folder made in the same tick as our look would not move the mtime again.
                settled = time.time_ns() - mtime > _SETTLED_SECONDS * 1e9
                self._seen_mtime = mtime if settled else None
            self._write(connection, set(), self._went_on(connection))

    def page(self, query: RunQuery, sight: Sight = EVERYTHING) -> RunPage:
        """One page of runs that `sight` sees, newest first. Raises BadInput for a cursor that is not ours."""
        self.refresh()
        conditions, values = _conditions(query)
        source = "runs INDEXED BY runs_by_words" if query.text.split() else "runs"
        with self._connection() as connection:
            ordered, given = self._where(connection, conditions, values, sight, _SEEN_IN_ORDER)
            if query.cursor:
                glue = "AND" if ordered else "WHERE"
                ordered, given = f"{ordered} {glue} (queued_at, id) < (?, ?)", [*given, *_position(query.cursor)]
            # The ids first: those stand in the indexes, the rows are only fetched.
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM runs WHERE id IN ("  # noqa: S608
                f"SELECT id FROM {source} {ordered} ORDER BY queued_at DESC, id DESC LIMIT ?"
                ") ORDER BY queued_at DESC, id DESC",
                [*given, query.limit + 1],
            ).fetchall()
            total = len(rows)
            if query.cursor or total > query.limit:
                seen = _SEEN_IN_ORDER if conditions else _SEEN
                where, values = self._where(connection, conditions, values, sight, seen)
                total = connection.execute(f"SELECT count(*) FROM {source} {where}", values).fetchone()[0]  # noqa: S608
        found = tuple(_row(row) for row in rows[: query.limit])
        more = len(rows) > query.limit
        return RunPage(found, f"{found[-1].queued_at}~{found[-1].id}" if more else None, total)

    def queue(self, sight: Sight = EVERYTHING) -> list[str]:
        """The ids of queued runs, first come first."""
        return self._ids(State.QUEUED, sight)

    def running(self, sight: Sight = EVERYTHING) -> list[str]:
        """The ids of runs whose folder says running."""
        return self._ids(State.RUNNING, sight)

    def counts(self, sight: Sight = EVERYTHING) -> dict[str, int]:
        """How many runs are in each state, and how many failed since midnight UTC (`failed_today`)."""
        midnight = datetime.now(UTC).strftime("%Y-%m-%dT00:00:00")
        key = (self.version(), midnight, sight.key)
        with self._lock:
            if key in self._counts:
                return self._counts[key]
        failed = ["state IN ('failed', 'timed_out', 'lost')", "queued_at >= ?"]
        with self._connection() as connection:
            where, values = self._where(connection, [], [], sight)
            grouped = f"SELECT state, count(*) FROM runs {where} GROUP BY state"  # noqa: S608
            counts = dict(connection.execute(grouped, values).fetchall())
            where, values = self._where(connection, failed, [midnight], sight, _SEEN_IN_ORDER)
            counts["failed_today"] = connection.execute(f"SELECT count(*) FROM runs {where}", values).fetchone()[0]  # noqa: S608
        counts = {**{state.value: 0 for state in State}, **counts}
        with self._lock:
            self._counts = {key: counts} if len(self._counts) >= _MOST_COUNTS else {**self._counts, key: counts}
        return counts

    def going_on(self, fingerprint: str) -> RunRow | None:
        """The oldest queued or running run that asks for the same, or None."""
        self.refresh()
        with self._connection() as connection:
            row = connection.execute(
                f"SELECT {_COLUMNS} FROM runs WHERE fingerprint = ? AND state IN (?, ?)"  # noqa: S608
                " ORDER BY queued_at LIMIT 1",
                [fingerprint, *_GOING_ON],
            ).fetchone()
        return _row(row) if row else None

    def usual(self, request: RunRequest, sight: Sight = EVERYTHING) -> Usual | None:
        """How long the last 20 successful runs of the same thing on as many hosts took, or None."""
        what, name = ("operation", request.operation) if request.operation else ("title", request.title)
        same = [f"{what} = ?", "kind = ?", "is_check = ?", "host_count = ?", "state = 'successful'"]
        with self._connection() as connection:
            given = [name, request.kind.value, request.check, len(request.host_names)]
            where, values = self._where(connection, same, given, sight, _SEEN_IN_ORDER)
            rows = connection.execute(
                f"SELECT started_at, ended_at FROM runs {where} ORDER BY queued_at DESC LIMIT 20",  # noqa: S608
                values,
            ).fetchall()
        took = sorted(_seconds(start, end) for start, end in rows if start and end)
        if not took:
            return None
        return Usual(took[len(took) // 2], took[min(len(took) - 1, int(len(took) * 0.95))], tuple(took))

    def before(self, run: Run, sight: Sight = EVERYTHING) -> str | None:
        """The id of the latest run of the same thing before this one, or None."""
        request = run.request
        same = ["title = ?", "kind = ?", "operation = ?", "is_check = ?", "(queued_at, id) < (?, ?)"]
        given = [request.title, request.kind.value, request.operation, request.check, run.queued_at, run.id]
        with self._connection() as connection:
            where, values = self._where(connection, same, given, sight, _SEEN_IN_ORDER)
            latest = f"SELECT id FROM runs {where} ORDER BY queued_at DESC, id DESC LIMIT 1"  # noqa: S608
            row = connection.execute(latest, values).fetchone()
        return str(row[0]) if row else None

    def version(self) -> tuple[int, ...]:
        """Differs whenever a run came, went on or went, by whichever process it was noticed."""
        self.refresh()
        with self._connection() as connection:
            (changes,) = connection.execute("SELECT total FROM changes").fetchone()
        return (changes,)

    def _ids(self, state: State, sight: Sight = EVERYTHING) -> list[str]:
        self.refresh()
        with self._connection() as connection:
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
        """Forget the runs that are known but gone, and take in those that are there but not known."""
        begun = time.monotonic()
        there = {entry.name for entry in os.scandir(self._artifacts) if is_id(entry.name)}
        known = {run_id for (run_id,) in connection.execute("SELECT id FROM runs")}
        self._compared_at = time.monotonic()
        self._comparing_seconds = self._compared_at - begun
        self._write(connection, known - there, [])
        come = sorted(there - known)
        for start in range(0, len(come), _BATCH):
            self._write(connection, set(), self._read(come[start : start + _BATCH]))
            if len(come) > _BATCH:
                time.sleep(_TURN_OF_OTHERS)

    def _went_on(self, connection: sqlite3.Connection) -> list[_Row]:
        """The new rows of runs whose state is no longer what the index says."""
        statement = "SELECT id, state FROM runs WHERE state IN (?, ?)"
        known = dict(connection.execute(statement, _GOING_ON).fetchall())
        return [row for row in self._read(known) if row[0][_COLUMN_OF_STATE] != known[str(row[0][0])]]

    def _read(self, run_ids: Iterable[str]) -> list[_Row]:
        """The rows of these runs, from their folders; what cannot be read is left out and logged."""
        rows: list[_Row] = []
        for run_id in sorted(run_ids):
            folder = RunFolder(self._artifacts, run_id)
            try:
                rows.append(_values(folder.run(), folder.status()))
            except RunNotFound as error:
                log.warning("left out of the list: %s", error.sentence)
        return rows

    def _write(self, connection: sqlite3.Connection, gone: set[str], rows: list[_Row]) -> None:
        if not gone and not rows:
            return
        # Begun as a writer: a reader that becomes one is refused at once where another process writes.
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("DELETE FROM runs WHERE id = ?", [(run_id,) for run_id in gone])
        for values, scope in rows:
            row = [*values, Scopes.number_of(connection, scope)]
            marks = ", ".join("?" * len(row))
            connection.execute(f"INSERT OR REPLACE INTO runs ({_COLUMNS}, words, scope) VALUES ({marks})", row)  # noqa: S608
        connection.execute("UPDATE changes SET total = total + 1")
        connection.execute("COMMIT")

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        connection = self._open()
        try:
            yield connection
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            connection.close()

    def _open(self) -> sqlite3.Connection:
        try:
            return self._opened()
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise
            return self._rebuilt(error)
        except sqlite3.DatabaseError as error:
            return self._rebuilt(error)

    def _rebuilt(self, error: sqlite3.DatabaseError) -> sqlite3.Connection:
        log.warning("the index of runs is unusable (%s) and is built again", error)
        for suffix in ("", "-wal", "-shm"):
            self._cache.with_name(self._cache.name + suffix).unlink(missing_ok=True)
        return self._opened()

    def _opened(self) -> sqlite3.Connection:
        self._cache.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        connection = sqlite3.connect(self._cache, timeout=_BUSY_SECONDS, isolation_level=None)
        try:
            if connection.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
                connection.execute("PRAGMA journal_mode = WAL")
                anew = f"DROP TABLE IF EXISTS runs; {scopes.SCHEMA} {_SCHEMA} PRAGMA user_version = {_VERSION};"
                connection.executescript(f"BEGIN IMMEDIATE; {anew} COMMIT;")
                self._seen_mtime = None
            connection.execute("PRAGMA synchronous = OFF")
        except sqlite3.DatabaseError:
            connection.close()
            raise
        return connection


#: The values of a run's columns but the last, and its scope.
_Row = tuple[list[object], Scope]


def _values(run: Run, status: Status) -> _Row:
    request = run.request
    words = " ".join([run.id, request.title, request.operation, request.hosts, *request.host_names, run.actor.name])
    values: list[object] = [
        run.id,
        run.queued_at,
        status.started_at,
        status.ended_at,
        status.state.value,
        status.why,
        status.rc,
        request.kind.value,
        request.title,
        request.hosts,
        len(request.host_names),
        run.actor.name,
        run.actor.via,
        run.node,
        run.again_of,
        request.operation,
        request.check,
        run.schedule,
        request.fingerprint,
        request.project,
        words.lower(),
    ]
    return values, request.scope


def _row(values: tuple[object, ...]) -> RunRow:
    named = dict(zip(RunRow.__dataclass_fields__, values, strict=True))
    named["state"] = State(str(named["state"]))
    named["is_check"] = bool(named["is_check"])
    return RunRow(**named)  # type: ignore[arg-type]


def _conditions(query: RunQuery) -> tuple[list[str], list[object]]:
    conditions: list[str] = []
    values: list[object] = []
    if query.state:
        conditions.append("state = ?")
        values.append(query.state.value)
    for column, wanted in (
        ("operation", query.operation),
        ("schedule", query.schedule),
        ("project", query.project),
    ):
        if wanted:
            conditions.append(f"{column} = ?")
            values.append(wanted)
    for word in query.text.lower().split():
        conditions.append("instr(words, ?) > 0")
        values.append(word)
    return conditions, values


def _position(cursor: str) -> tuple[str, str]:
    queued_at, _, run_id = cursor.rpartition("~")
    if not queued_at or not is_id(run_id):
        raise BadInput(f"{cursor!r} is not a cursor that this list gave.", "cursor")
    return queued_at, run_id


def _seconds(start: str, end: str) -> float:
    return max(0.0, (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds())
