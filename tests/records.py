"""Databases for tests: a SQLite file or a PostgreSQL of their own, both as the migrations leave them."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Pool, event, inspect, text

from selfservice.accounts.builtin_roles import keep_in_step
from selfservice.settings import Settings
from selfservice.store.database import Database
from selfservice.store.migration import migrate
from tests.ports import free_port

_TEMPLATE = "migrated"


def make_tables(settings: Settings) -> None:
    """Give a node the tables that `migrate` would make: a copy of what was migrated once."""
    if not settings.database_url:
        settings.instance.mkdir(mode=0o700, exist_ok=True)
        (settings.instance / "selfservice.db").write_bytes(_migrated_file())


@cache
def _migrated_file() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder))
        _migrate(settings)
        return (settings.instance / "selfservice.db").read_bytes()


def _migrate(settings: Settings) -> None:
    """Do what the first start does, but for the first account."""
    migrate(settings)
    database = Database(settings)
    with database.session() as session:
        keep_in_step(session)
    database.close()


@dataclass
class PostgreSQL:
    """A running server; every test has a database of its own in it."""

    port: int
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(1, 1_000_000)))

    def url(self, database: str) -> str:
        """What DATABASE_URL would say."""
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{database}"

    def empty(self) -> str:
        """The URL of a new database without tables."""
        return self._created("template0")

    def migrated(self) -> str:
        """The URL of a new database with all tables."""
        if not self._ask("SELECT 1 FROM pg_database WHERE datname = %s", (_TEMPLATE,)):
            self._ask(f"CREATE DATABASE {_TEMPLATE}")
            with tempfile.TemporaryDirectory() as folder:
                _migrate(Settings(home=Path(folder), database_url=self.url(_TEMPLATE)))
        return self._created(_TEMPLATE)

    def _created(self, template: str) -> str:
        name = f"records_{next(self.numbers)}"
        self._ask(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Remove a database that was made here."""
        self._ask(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")

    def _ask(self, statement: str, values: tuple[object, ...] = ()) -> int:
        """Carry out `statement`; how many rows it concerns."""
        where = f"host=127.0.0.1 port={self.port} user=postgres dbname=postgres"
        with psycopg.connect(where, autocommit=True) as connection:
            return connection.execute(statement.encode(), values).rowcount > 0


@contextmanager
def running_postgresql() -> Iterator[PostgreSQL]:
    """A PostgreSQL on a port and folder of its own. Skips the test where Debian's package is missing."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    if not programs:
        pytest.skip("needs PostgreSQL (Debian package postgresql)")
    user = _somebody_but_root()
    folder = Path(tempfile.mkdtemp(prefix="selfservice-postgresql-"))
    if user:
        os.chown(folder, pwd.getpwnam(user).pw_uid, -1)

    def call(program: str, *words: str) -> None:
        command = [programs[-1] / program, "-D", folder / "data", *words]
        with (folder.parent / f"{folder.name}.log").open("ab") as log:
            subprocess.run(command, check=True, user=user, cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    port = free_port()
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    try:
        call("initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync")
        call("pg_ctl", "-w", "-o", options, "-l", str(folder / "log"), "start")
        try:
            yield PostgreSQL(port)
        finally:
            call("pg_ctl", "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder)
        with suppress(FileNotFoundError):
            (folder.parent / f"{folder.name}.log").unlink()


def _somebody_but_root() -> str | None:
    """PostgreSQL refuses to be run by root."""
    return "postgres" if os.getuid() == 0 else None


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Import it into a module of tests whose records both databases have to keep."""
    if request.param == "sqlite":
        yield ""
        return
    server: PostgreSQL = request.getfixturevalue("postgresql")
    opened: list[Any] = []

    def remember(connection: object, _record: object) -> None:
        opened.append(connection)

    url = server.migrated()
    event.listen(Pool, "connect", remember)
    yield url
    event.remove(Pool, "connect", remember)
    for connection in opened:
        connection.close()
    server.drop(url)


def everything_in(database: Database) -> str:
    """Every value of every table, as text: to look for what must not be there."""
    with database.session() as session:
        tables = inspect(database.engine).get_table_names()
        return "\n".join(str(row) for table in tables for row in session.execute(text(f'SELECT * FROM "{table}"')))
