"""A database of any earlier version is taken over, without loss and after a copy of it was kept."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, create_engine, inspect, text

import selfservice.web.app  # noqa: F401  # every module with records
from selfservice.errors import BadInput, Unavailable
from selfservice.settings import CHECKOUT, SettingError, Settings
from selfservice.store import migration
from selfservice.store.database import Database, Record
from selfservice.store.database import database_url as url_of
from selfservice.store.migration import migrate, present_revision, take_back
from tests.records import PostgreSQL

#: What a database of before there were revisions has in it.
BEFORE = (
    "INSERT INTO people VALUES (1, 'admin', 'Administrator', 'argon', true, true, '2026-11-01 10:00:00', 3)",
    "INSERT INTO people VALUES (2, 'alice', 'Alice', 'argon', false, true, '2026-11-01 10:00:00', 1)",
    "INSERT INTO people VALUES (3, 'bob', 'Bob', 'argon', true, false, '2026-11-01 10:00:00', 1)",
    "INSERT INTO tokens VALUES (1, 'nightly', 'ss_abc', 'hash', '2026-11-01 10:00:00', NULL, false)",
    "INSERT INTO alerts VALUES"
    " (1, 'Hello', 'info', 'nightly', 'token', NULL, false, '2026-11-01 10:00:00', '2026-12-01 10:00:00', NULL, NULL)",
    "INSERT INTO alert_recipients VALUES (1, 'alice')",
    "INSERT INTO alert_dismissals VALUES (1, 'alice')",
    "INSERT INTO schedules VALUES (1, 'Disks', '', 'df', false, false, 'all', '{}', '{}', true, 'once', false, 0,"
    " 'nightly', 'token', '2026-11-01 10:00:00', 1, NULL, NULL)",
    "INSERT INTO schedules VALUES (2, 'Hers', '', 'df', false, false, 'all', '{}', '{}', true, 'once', false, 0,"
    " 'alice', 'session', '2026-11-01 10:00:00', 1, NULL, NULL)",
    "INSERT INTO firings VALUES"
    " (1, 1, '2026-11-01 10:00:00', '2026-11-01 10:00:00', 'launched', false, 'some-run', '')",
    "INSERT INTO blackouts VALUES (1, 'Sale', NULL, NULL, 0, '10:00', 60, 'UTC', 'admin')",
    "INSERT INTO nodes VALUES (1, 'web-1', 'https://web-1', false, 'hash', NULL, NULL, false, 1, 0, '[]',"
    " '2026-11-01 10:00:00', 'admin')",
)


@pytest.fixture(params=["sqlite", "postgresql"])
def node(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """A node whose database is empty."""
    url = request.getfixturevalue("postgresql").empty() if request.param == "postgresql" else ""
    return Settings(home=tmp_path, database_url=url)


@pytest.fixture
def engine(node: Settings) -> Iterator[Engine]:
    node.instance.mkdir(exist_ok=True)
    made = create_engine(url_of(node))
    yield made
    made.dispose()


def _before_revisions(node: Settings, engine: Engine) -> dict[str, list[dict[str, object]]]:
    """Make the database as it was, with something in every table; gives all that is in it."""
    migrate(node, "0001")
    with engine.begin() as connection:
        for statement in BEFORE:
            connection.exec_driver_sql(statement.replace("%", "%%"))
        connection.execute(text("DROP TABLE alembic_version"))
    return _rows(engine)


def _rows(engine: Engine) -> dict[str, list[dict[str, object]]]:
    tables = sorted(set(inspect(engine).get_table_names()) - {"alembic_version"})
    with engine.connect() as connection:
        found = {table: connection.execute(text(f"SELECT * FROM {table} ORDER BY 1")) for table in tables}
        return {table: [dict(row) for row in rows.mappings()] for table, rows in found.items()}


def _one(engine: Engine, statement: str) -> list[tuple[object, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(statement))]


def test_the_revisions_make_the_tables_that_the_program_has(node: Settings, engine: Engine) -> None:
    migrate(node)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Record.metadata) == []


def test_a_database_of_before_there_were_revisions_is_taken_over(node: Settings, engine: Engine) -> None:
    before = _before_revisions(node, engine)
    migrate(node, "0001")
    assert _rows(engine) == before
    migrate(node)
    after = _rows(engine)
    assert {table: len(rows) for table, rows in before.items()}.items() <= {
        table: len(rows) for table, rows in after.items()
    }.items()


def test_tables_that_an_older_version_did_not_have_are_made(node: Settings, engine: Engine) -> None:
    _before_revisions(node, engine)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE nodes"))
    migrate(node, "0001")
    assert _one(engine, "SELECT count(*) FROM nodes") == [(0,)]
    assert _one(engine, "SELECT count(*) FROM people") == [(3,)]


def test_going_up_and_down_again_loses_nothing_that_was_there(node: Settings, engine: Engine) -> None:
    before = _before_revisions(node, engine)
    migrate(node)
    take_back(node, "0001")
    assert _rows(engine) == before
    take_back(node, "base")
    assert _rows(engine) == {}


def test_administrators_stay_administrators_and_others_become_technical_agents(node: Settings, engine: Engine) -> None:
    _before_revisions(node, engine)
    migrate(node)
    people = "SELECT people.name, roles.name, people.active FROM people JOIN roles ON roles.id = role_id ORDER BY 1"
    assert [tuple(map(str, row[:2])) for row in _one(engine, people)] == [
        ("admin", "administrator"),
        ("alice", "technical-agent"),
        ("bob", "administrator"),
    ]
    assert [bool(row[2]) for row in _one(engine, people)] == [True, True, False]


def test_tokens_become_the_first_administrators_and_keep_their_schedules(node: Settings, engine: Engine) -> None:
    _before_revisions(node, engine)
    migrate(node)
    tokens = "SELECT people.name, tokens.name, scope FROM tokens JOIN people ON people.id = person_id"
    assert _one(engine, tokens) == [("admin", "nightly", "administer")]
    assert _one(engine, "SELECT owner FROM schedules ORDER BY id") == [("admin/nightly",), ("alice",)]


def test_tokens_that_may_less_are_revoked_by_going_back(node: Settings, engine: Engine) -> None:
    _before_revisions(node, engine)
    migrate(node)
    rows = {
        "'nightly'": "'read', NULL",
        "'later'": "'administer', '2027-01-01 10:00:00'",
        "'hers'": "'administer', NULL",
    }
    with engine.begin() as connection:
        for number, (name, limits) in enumerate(rows.items()):
            values = f"{number + 2}, {name}, 'ss', 'hash{number}', '2026-11-01 10:00:00', false, 2, {limits}"
            columns = "id, name, prefix, hash, created_at, revoked, person_id, scope, expires_at"
            connection.execute(text(f"INSERT INTO tokens ({columns}) VALUES ({values})"))
    take_back(node, "0002")
    found = [(name, bool(revoked)) for name, revoked in _one(engine, "SELECT name, revoked FROM tokens ORDER BY id")]
    assert found == [("nightly", False), ("alice/nightly/2", True), ("later", True), ("hers", True)]


def test_sources_go_on_giving_playbooks_and_those_of_hosts_alone_end_by_going_back(
    node: Settings, engine: Engine
) -> None:
    migrate(node, "0003")
    repository = "INSERT INTO repositories VALUES ({0}, 'r{0}', 'R', 'local', '', 'r.git', '', '', '2026-11-01', 1)"
    with engine.begin() as connection:
        connection.exec_driver_sql(repository.format(1))
        connection.exec_driver_sql("INSERT INTO sources VALUES (1, 1, 'main', 'sealed', 'abc', 'abc', '', NULL)")
    migrate(node)
    assert _one(engine, 'SELECT playbooks, inventory, "commit" FROM sources') == [(True, "", "abc")]
    with engine.begin() as connection:
        connection.exec_driver_sql(repository.format(2))
        new = '(id, repository_id, branch, sealed_secret, "commit", tried, trouble, playbooks, inventory)'
        values = "(2, 2, 'main', '', '', '', '', false, 'hosts')"
        connection.exec_driver_sql(f"INSERT INTO sources {new} VALUES {values}")
    take_back(node, "0003")
    assert _one(engine, 'SELECT id, branch, "commit" FROM sources') == [(1, "main", "abc")]


def test_projects_go_on_holding_commands_back_as_operations_and_requests_for_commands_end_by_going_back(
    node: Settings, engine: Engine
) -> None:
    before = revision_before("commands_of_projects")
    migrate(node, before)
    lists = "'[]', '[]', '[]'"
    with engine.begin() as connection:
        columns = "id, name, title, description, hosts, operations, repositories, approval_steps, ssh_user, ssh_jump"
        beside = "ssh_key, ssh_passphrase, ssh_public_key, ssh_known_hosts, ssh_test_run, created_at, version"
        values = f"1, 'shop', 'Shop', '', {lists}, 2, '', '', '', '', '', '', '', '2026-11-01 10:00:00', 1"
        connection.exec_driver_sql(f"INSERT INTO projects ({columns}, {beside}) VALUES ({values})")
    migrate(node)
    assert _one(engine, "SELECT name, approval_steps, commands FROM projects") == [("shop", 2, "as-operations")]
    with engine.begin() as connection:
        for number, operation in ((1, "deploy"), (2, "")):
            columns = "id, operation, title, asked_by, via, address, person, asked_at, state, revision, expires_at"
            values = f"{number}, '{operation}', 'T', 'a', 'session', 'x', 'a', '2026-11-01', 'waiting', 1, '2026-12-01'"
            beside = "remind_hours, end_told, why, version"
            connection.exec_driver_sql(
                f"INSERT INTO approval_requests ({columns}, {beside}) VALUES ({values}, 24, false, '', 1)"
            )
    take_back(node, before)
    assert _one(engine, "SELECT id, operation FROM approval_requests") == [(1, "deploy")]
    assert _one(engine, "SELECT name, approval_steps FROM projects") == [("shop", 2)]


def revision_before(name: str) -> str:
    """The revision that stands below the one with this name."""
    (path,) = (CHECKOUT / "selfservice/store/migrations/versions").glob(f"r*_{name}.py")
    return f"{int(path.name[1:5]) - 1:04}"


def test_going_back_to_what_never_was_changes_nothing(node: Settings, engine: Engine) -> None:
    migrate(node)
    before = _rows(engine)
    with pytest.raises(BadInput, match="cannot go back there"):
        take_back(node, "0000")
    assert _rows(engine) == before


def test_many_processes_that_start_at_once_migrate_once(node: Settings, engine: Engine) -> None:
    before = _before_revisions(node, engine)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: migrate(node), range(4)))
    assert len(_rows(engine)["people"]) == len(before["people"])
    with engine.connect() as connection:
        assert present_revision(connection) is not None


def test_a_database_of_a_newer_version_is_left_alone(node: Settings, engine: Engine) -> None:
    migrate(node)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Unavailable, match=r"made by a newer version of this program.*9999"):
        migrate(node)


@pytest.fixture
def sqlite_node(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


def _backups(node: Settings) -> list[Path]:
    return sorted((node.instance / "backups").glob("*.db"))


def test_a_copy_is_kept_before_anything_changes_and_none_where_nothing_does(sqlite_node: Settings) -> None:
    migrate(sqlite_node)
    assert _backups(sqlite_node) == []
    with closing(sqlite3.connect(sqlite_node.instance / "selfservice.db")) as old:
        old.execute("PRAGMA journal_mode = WAL")
        old.execute("INSERT INTO blackouts VALUES (1, 'Sale', NULL, NULL, 0, '10:00', 60, 'UTC', 'admin')")
        old.commit()
        # Still open: what was written is in the log beside the file, and belongs into the copy.
        take_back(sqlite_node, "0001")
    migrate(sqlite_node)
    copy = _backups(sqlite_node)[0]
    assert copy.stat().st_mode & 0o077 == 0
    with closing(sqlite3.connect(copy)) as kept:
        assert kept.execute("SELECT reason FROM blackouts").fetchall() == [("Sale",)]


def test_only_the_last_few_copies_stay(sqlite_node: Settings) -> None:
    migrate(sqlite_node)
    for _ in range(migration.KEPT_BACKUPS):
        take_back(sqlite_node, "0001")
        first = _backups(sqlite_node)[0]
        migrate(sqlite_node)
        take_back(sqlite_node, "base")
        migrate(sqlite_node)
    assert len(_backups(sqlite_node)) == migration.KEPT_BACKUPS
    assert first not in _backups(sqlite_node)


def test_a_step_that_fails_changes_nothing(node: Settings, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    before = _before_revisions(node, engine)

    def broken(*_arguments: object, **_named: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("alembic.op.create_index", broken)
    with pytest.raises(Unavailable, match="cannot be brought up to date: disk full"):
        migrate(node)
    assert _rows(engine) == before


def test_a_database_that_does_not_answer_says_so_without_its_password(tmp_path: Path) -> None:
    away = Settings(home=tmp_path, database_url="postgresql+psycopg://me:secret-word@127.0.0.1:1/none")
    for opened in (migrate, Database):
        with pytest.raises(Unavailable, match="The database of this node cannot be") as told:
            opened(away)
        assert "secret-word" not in told.value.sentence


@pytest.mark.parametrize("url", ["nonsense", "oracle+nothing://x"])
def test_an_address_that_is_none_refuses_the_start(sqlite_node: Settings, url: str) -> None:
    with pytest.raises(SettingError, match="DATABASE_URL cannot be used"):
        migrate(replace(sqlite_node, database_url=url))


def test_a_database_knows_no_tables_before_it_is_migrated(postgresql: PostgreSQL, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, database_url=postgresql.empty())
    database = Database(settings)
    assert inspect(database.engine).get_table_names() == []
    database.close()
