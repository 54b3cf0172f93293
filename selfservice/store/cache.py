"""SQLite files that hold nothing which cannot be read anew: such a one is made again rather than mended."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

log = logging.getLogger(__name__)

_BUSY_SECONDS = 10


class Cache:
    """One such file; safe under many processes and threads, each of which opens connections of its own."""

    def __init__(self, path: Path, version: int, schema: str, made_anew: Callable[[], None]) -> None:
        """Keep it at `path`; nothing is opened yet.

        `schema` makes all tables, whatever was there; it is run where the file is of another `version`, or unusable,
        and `made_anew` is called then.
        """
        self._path = path
        self._version = version
        self._schema = schema
        self._made_anew = made_anew

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """A connection in which nothing is committed by itself; what is not at the end is rolled back."""
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
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
                raise
            log.warning("%s is unusable (%s) and is built again", self._path.name, error)
            for suffix in ("", "-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
            return self._opened()

    def _opened(self) -> sqlite3.Connection:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        connection = sqlite3.connect(self._path, timeout=_BUSY_SECONDS, isolation_level=None)
        try:
            if connection.execute("PRAGMA user_version").fetchone()[0] != self._version:
                connection.execute("PRAGMA journal_mode = WAL")
                anew = f"{self._schema} PRAGMA user_version = {self._version};"
                connection.executescript(f"BEGIN IMMEDIATE; {anew} COMMIT;")
                self._made_anew()
            connection.execute("PRAGMA synchronous = OFF")
        except sqlite3.DatabaseError:
            connection.close()
            raise
        return connection
