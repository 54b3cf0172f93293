"""A cache file may be deleted, spoilt or exchanged at any time; it is made again, and asked without ado until then."""

from __future__ import annotations

import shutil
import sqlite3
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from selfservice.store.cache import Cache, CacheUnavailable

SCHEMA = "DROP TABLE IF EXISTS words; CREATE TABLE words (word TEXT);"


class Counted(Cache):
    """Counts how often it was made anew."""

    def __init__(self, path: Path, version: int = 1) -> None:
        self.times = 0
        super().__init__(path, version, SCHEMA, self._count)

    def _count(self) -> None:
        self.times += 1


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "words.db"


def add(cache: Cache, word: str) -> None:
    with cache.connection() as connection:
        connection.execute("INSERT INTO words VALUES (?)", (word,))


def words(cache: Cache) -> list[str]:
    with cache.connection() as connection:
        return [word for (word,) in connection.execute("SELECT word FROM words ORDER BY word")]


def test_connections_are_used_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = Counted(path)
    add(cache, "a")
    opened = []
    real = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *args, **named: opened.append(args) or real(*args, **named))
    for _ in range(20):
        assert words(cache) == ["a"]
    assert len(opened) <= 1


def test_two_at_a_time_never_share_one(path: Path) -> None:
    cache = Counted(path)
    add(cache, "a")
    with cache.connection() as one, cache.connection() as other:
        assert one is not other
        one.execute("BEGIN IMMEDIATE")
        one.execute("INSERT INTO words VALUES ('b')")
        assert other.execute("SELECT count(*) FROM words").fetchone() == (1,)
    assert words(cache) == ["a"]  # nobody said COMMIT


def test_a_deleted_file_is_made_again(path: Path) -> None:
    cache = Counted(path)
    add(cache, "a")
    assert words(cache) == ["a"]
    shutil.rmtree(path.parent)
    assert words(cache) == []
    assert cache.times == 2


def test_what_another_process_made_anew_is_what_counts(path: Path) -> None:
    mine = Counted(path)
    add(mine, "a")
    assert words(mine) == ["a"]
    path.unlink()
    add(Counted(path), "b")
    assert words(mine) == ["b"]


def test_a_newer_program_makes_it_anew_under_one_that_still_runs(path: Path) -> None:
    old = Counted(path, version=1)
    add(old, "a")
    assert words(old) == ["a"]
    assert words(Counted(path, version=2)) == []
    assert words(old) == []
    assert old.times == 2


def test_a_spoilt_file_is_made_again(path: Path) -> None:
    cache = Counted(path)
    add(cache, "a")
    assert words(cache) == ["a"]
    path.with_name(path.name + "-wal").unlink(missing_ok=True)
    path.with_name(path.name + "-shm").unlink(missing_ok=True)
    spoilt = path.with_name("spoilt")
    spoilt.write_bytes(b"no database" * 1000)
    spoilt.rename(path)
    assert words(cache) == []
    assert cache.times == 2


def test_what_failed_is_not_used_again(path: Path) -> None:
    cache = Counted(path)
    add(cache, "a")
    with pytest.raises(sqlite3.OperationalError), cache.connection() as failed:
        failed.execute("SELECT * FROM nothing_of_that_name")
    with pytest.raises(sqlite3.ProgrammingError):
        failed.execute("SELECT 1")
    assert words(cache) == ["a"]


def test_a_full_disk_is_told_in_a_sentence_and_what_was_there_stays(path: Path) -> None:
    cache = Counted(path)
    add(cache, "a")
    told = r"words.db in .* cannot be used: database or disk is full"
    with pytest.raises(CacheUnavailable, match=told), cache.connection() as connection:
        connection.execute("PRAGMA max_page_count = 1")
        connection.execute("INSERT INTO words VALUES (zeroblob(1000000))")
    assert words(cache) == ["a"]


def test_where_it_cannot_be_made_that_is_told_in_a_sentence(path: Path) -> None:
    path.parent.touch()
    with pytest.raises(CacheUnavailable, match="see that its disk has room and can be written"):
        words(Counted(path))


def test_processes_that_make_it_at_the_same_moment_all_get_it(tmp_path: Path) -> None:
    at_once = get_context("fork")
    for number in range(15):
        path = tmp_path / str(number) / "words.db"
        ready = at_once.Barrier(3)

        def add_own(ready: Barrier = ready, path: Path = path) -> None:
            ready.wait()
            add(Counted(path), "a")

        processes = [at_once.Process(target=add_own) for _ in range(3)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        assert [process.exitcode for process in processes] == [0, 0, 0]
        assert words(Counted(path)) == ["a", "a", "a"]
