"""What a start has to do before anything else, and when it has nothing to do."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from selfservice.node import first_start
from selfservice.settings import NodeType, Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A master that was prepared."""
    made = Settings(home=tmp_path, node_name="master", admin_password="correct horse battery", vault_keys=str(tmp_path))
    first_start.prepare(made)
    return made


def test_the_second_start_has_nothing_to_prepare(settings: Settings, tmp_path: Path) -> None:
    assert first_start.is_prepared(settings)
    assert not first_start.is_prepared(replace(settings, home=tmp_path / "elsewhere"))


def test_an_older_database_is_prepared_again(settings: Settings) -> None:
    with closing(sqlite3.connect(settings.database_file)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '0003'")
    assert not first_start.is_prepared(settings)


def test_a_changed_program_prepares_again(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    checkout = tmp_path / "newer"
    (checkout / "selfservice").mkdir(parents=True)
    (checkout / "selfservice" / "newer.py").touch()
    os.utime(checkout / "selfservice" / "newer.py", (2e9, 2e9))
    monkeypatch.setattr(first_start, "CHECKOUT", checkout)
    assert not first_start.is_prepared(settings)


def test_a_worker_and_a_server_of_databases_are_looked_at_every_time(settings: Settings) -> None:
    assert not first_start.is_prepared(replace(settings, node_type=NodeType.WORKER))
    assert not first_start.is_prepared(replace(settings, database_url="postgresql+psycopg://127.0.0.1:9/none"))


def test_a_lost_database_is_made_again(settings: Settings) -> None:
    settings.database_file.unlink()
    assert not first_start.is_prepared(settings)
    first_start.prepare(settings)
    assert first_start.is_prepared(settings)
