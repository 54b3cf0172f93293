"""The database of the records that people edit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Engine, String, create_engine, event
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DataError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.types import TypeDecorator

from selfservice.errors import BadInput, Unavailable
from selfservice.settings import SettingError, Settings

BUSY_MILLISECONDS = 10_000


class Record(DeclarativeBase):
    """The base of every table."""


#: The name of a person, or of a token of theirs: alice/nightly.
ActorName = String(129)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC; SQLite forgets time zones, so they are put back here."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Store in UTC."""
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give back with the time zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Database:
    """The records of one node: SQLite in instance/, or what DATABASE_URL names; `store.migration` makes its tables."""

    def __init__(self, settings: Settings) -> None:
        """Open the database.

        Raises `SettingError` for a DATABASE_URL that cannot be used and `Unavailable` where
        the database does not answer.
        """
        self.engine = _engine(settings)
        self._session = sessionmaker(self.engine, expire_on_commit=False)
        try:
            self.engine.connect().close()
        except OperationalError as error:
            raise Unavailable(f"The database of this node cannot be opened: {reason(error)}.") from error

    @contextmanager
    def session(self) -> Iterator[Session]:
        """One transaction: committed at the end, rolled back on any error.

        Raises `BadInput` where a number that somebody sent is larger than any that is kept.
        """
        try:
            with self._session.begin() as session:
                yield session
        except (OverflowError, DataError) as error:
            raise BadInput("A number or a text that was sent is larger than any that is kept here.") from error

    def close(self) -> None:
        """Give back every connection."""
        self.engine.dispose()


def database_url(settings: Settings) -> str:
    """Where the database of this node is."""
    return settings.database_url or f"sqlite:///{settings.database_file}"


def open_engine(url: str, **options: Any) -> Engine:
    """An engine for `url`. Raises `SettingError` where it cannot be used."""
    try:
        return create_engine(url, **options)
    except (ArgumentError, ImportError) as error:
        raise SettingError(
            "DATABASE_URL cannot be used: give it as postgresql+psycopg://name:password@host/database, "
            "and install the driver where you name another one."
        ) from error


def _engine(settings: Settings) -> Engine:
    url = database_url(settings)
    engine = open_engine(url, pool_pre_ping=not url.startswith("sqlite"))
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: DBAPIConnection, _record: object) -> None:
    """Readers never wait for a writer, writers wait for one another, references hold."""
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def reason(error: Exception) -> str:
    """What the database says, in a line without its URL."""
    # A driver's message may hold the whole URL with its password; the first line of the cause does not.
    cause = getattr(error, "orig", None) or error
    return str(cause).splitlines()[0].rstrip(".")
