"""SQLite files that hold nothing which cannot be read anew: such a one is made again rather than mended."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from selfservice.errors import Unavailable
from selfservice.store import files

log = logging.getLogger(__name__)

_BUSY_SECONDS = 10
#: Connections that wait to be used again; opening one takes longer than most questions.
_MOST_IDLE = 4

#: Device and inode; None where there is no file.
_File = tuple[int, int] | None


class CacheUnavailable(Unavailable):
    """A cache can be neither used nor made again: its disk is full or read-only, or somebody does not let go of it."""

    problem_type = "cache-unavailable"
    title = "An index cannot be used"


class Cache:
    """One such file; safe under many processes and threads, of which no two ever use a connection together."""

    def __init__(self, path: Path, version: int, schema: str, made_anew: Callable[[], None]) -> None:
        """Keep it at `path`; nothing is opened yet.

        `schema` makes all tables, whatever was there; it is run where the file is of another `version`, or unusable,
        and `made_anew` is called then.
        """
        self._path = path
        self._version = version
        self._schema = schema
        self._made_anew = made_anew
        self._idle: list[tuple[_File, sqlite3.Connection]] = []

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """A connection in which nothing is committed by itself; what is not at the end is rolled back.

        Raises CacheUnavailable.
        """
        file, connection = self._idle_one() or self._new_one()
        keep = file is not None
        try:
            yield connection
        except sqlite3.DatabaseError as error:
            keep = False
            if _is_mistake(error):
                raise
            raise self._unavailable(error) from error
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if keep and len(self._idle) < _MOST_IDLE:
                self._idle.append((file, connection))
            else:
                connection.close()

    def _new_one(self) -> tuple[_File, sqlite3.Connection]:
        try:
            return self._file(), self._open()
        except (OSError, sqlite3.DatabaseError) as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: Exception) -> CacheUnavailable:
        return CacheUnavailable(
            f"{self._path.name} in {self._path.parent} cannot be used: {error}. Nothing is lost, what it is made of is"
            " elsewhere; see that its disk has room and can be written, then try again."
        )

    def _idle_one(self) -> tuple[_File, sqlite3.Connection] | None:
        """A connection that was used before, to the file that is there now."""
        while self._idle:
            file, connection = self._idle.pop()
            if file == self._file() and self._is_usable(connection):
                return file, connection
            connection.close()
        return None

    def _is_usable(self, connection: sqlite3.Connection) -> bool:
        try:
            return _version_of(connection) == self._version
        except sqlite3.DatabaseError:
            return False

    def _file(self) -> _File:
        """Which file is there now; as long as a connection to it is open, no other one gets these numbers."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino

    def _open(self) -> sqlite3.Connection:
        """A new connection, one process at a time: of two that make the same file, SQLite would refuse one at once."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with files.locked(self._path.with_name(f"{self._path.name}.lock")):
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
        connection = sqlite3.connect(self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            if _version_of(connection) != self._version:
                connection.execute("PRAGMA journal_mode = WAL")
                anew = f"{self._schema} PRAGMA user_version = {self._version};"
                connection.executescript(f"BEGIN IMMEDIATE; {anew} COMMIT;")
                self._made_anew()
            connection.execute("PRAGMA synchronous = OFF")
        except sqlite3.DatabaseError:
            connection.close()
            raise
        return connection


def _is_mistake(error: sqlite3.DatabaseError) -> bool:
    """Whether a question was put wrongly (https://www.sqlite.org/rescode.html#error), or not to SQLite at all."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return code & 0xFF == sqlite3.SQLITE_ERROR


def _version_of(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
