"""Bringing the database of a node to the tables of this version, after a copy of it was kept."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, NullPool, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError

from selfservice.errors import BadInput, Unavailable
from selfservice.settings import Settings
from selfservice.store.database import BUSY_MILLISECONDS, database_url, open_engine, reason
from selfservice.store.files import locked

KEPT_BACKUPS = 5
_SCRIPTS = Path(__file__).with_name("migrations")


def migrate(settings: Settings, revision: str = "head") -> None:
    """Bring the database up to date, or up to `revision`; safe to call at every start.

    Raises `SettingError` for a DATABASE_URL that cannot be used and `Unavailable` where the
    database does not answer or belongs to a newer version of this program.
    """
    settings.instance.mkdir(mode=0o700, parents=True, exist_ok=True)
    engine = _engine(settings)
    try:
        with locked(settings.instance / ".database.lock"), engine.connect() as connection:
            _upgrade(connection, settings, revision)
    except CommandError as error:
        raise Unavailable(
            f"The database of this node was made by a newer version of this program: {error}. Start that version."
        ) from error
    except (OSError, DBAPIError, sqlite3.Error) as error:
        raise Unavailable(f"The database of this node cannot be brought up to date: {reason(error)}.") from error
    finally:
        engine.dispose()


def take_back(settings: Settings, revision: str) -> None:
    """Take the database back to `revision`: for somebody who goes back to an older version.

    Raises `BadInput` where there is no such revision, and `Unavailable` where it cannot be done now.
    """
    engine = _engine(settings)
    try:
        with locked(settings.instance / ".database.lock"), engine.connect() as connection:
            _keep_copy(settings, engine, "before-going-back")
            command.downgrade(_config(connection), revision)
            connection.commit()
    except CommandError as error:
        raise BadInput(f"The database cannot go back there: {error}.") from error
    except (OSError, DBAPIError, sqlite3.Error) as error:
        raise Unavailable(f"The database of this node cannot be taken back: {reason(error)}.") from error
    finally:
        engine.dispose()


def present_revision(connection: Connection) -> str | None:
    """The revision that the database has; None where it has none, or is older than all of them."""
    return MigrationContext.configure(connection).get_current_revision()


def _upgrade(connection: Connection, settings: Settings, revision: str) -> None:
    config = _config(connection)
    present, newest = present_revision(connection), ScriptDirectory.from_config(config).get_current_head()
    if present == newest:
        return
    connection.rollback()
    _keep_copy(settings, connection.engine, f"before-{newest}")
    command.upgrade(config, revision)
    connection.commit()


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _engine(settings: Settings) -> Engine:
    """One connection for the migration alone: on SQLite a step is whole or was never taken."""
    engine = open_engine(database_url(settings), poolclass=NullPool)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _leave_transactions_to_us)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def _leave_transactions_to_us(connection: DBAPIConnection, _record: object) -> None:
    # Foreign keys stay off: where a table is made anew, the rows that lean on it would go with the old one.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
    cursor.close()


def _keep_copy(settings: Settings, engine: Engine, why: str) -> None:
    """Copy a SQLite file that has something in it to instance/backups; the last few copies stay."""
    source = Path(engine.url.database or "") if engine.dialect.name == "sqlite" else None
    if source is None or not source.is_file() or not source.stat().st_size:
        return
    folder = settings.instance / "backups"
    folder.mkdir(mode=0o700, exist_ok=True)
    copy = folder / f"selfservice-{datetime.now(UTC):%Y%m%dT%H%M%S.%f}-{why}.db"
    os.close(os.open(copy, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(copy)) as new:
        old.backup(new)
    for superfluous in sorted(folder.glob("selfservice-*.db"))[:-KEPT_BACKUPS]:
        superfluous.unlink()
