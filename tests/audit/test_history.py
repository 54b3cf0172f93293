"""The history finds what the journal holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from selfservice.audit.actions import Action, Actor, Kind
from selfservice.audit.history import History
from selfservice.audit.journal import Journal, day_files
from selfservice.audit.query import HistoryQuery
from selfservice.errors import BadInput


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    (tmp_path / "audit").mkdir()
    return Journal(tmp_path / "audit", "master")


@pytest.fixture
def history(tmp_path: Path) -> History:
    (tmp_path / "cache").mkdir()
    return History(tmp_path / "audit", tmp_path / "cache")


def act(journal: Journal, person: str = "alice", target: str = "df -h /", **more: object) -> None:
    kind = more.pop("kind", Kind.RUN_LAUNCH)
    journal.append(Action(kind, Actor(person, "session", "192.0.2.7"), target, **more))  # type: ignore[arg-type]


def targets(history: History, **query: object) -> list[str]:
    return [entry.target for entry in history.search(HistoryQuery(**query)).entries]  # type: ignore[arg-type]


def test_the_newest_action_comes_first_and_new_ones_appear(journal: Journal, history: History) -> None:
    assert targets(history) == []
    act(journal, target="one")
    act(journal, target="two")
    assert targets(history) == ["two", "one"]
    act(journal, target="three")
    assert targets(history) == ["three", "two", "one"]


def test_every_filter_must_fit(journal: Journal, history: History) -> None:
    act(journal, "alice", "df -h /", hosts=("web-1", "web-2"))
    act(journal, "bob", "df -h /", hosts=("web-1",))
    act(journal, "bob", "admin", kind=Kind.ACCOUNT_SIGN_IN)
    assert targets(history, person="bob") == ["admin", "df -h /"]
    assert targets(history, person="bob", kind="run:launch") == ["df -h /"]
    assert targets(history, host="web-2") == ["df -h /"]
    assert targets(history, host="web") == []
    assert len(targets(history, since="2001-01-01", until="2002-01-01")) == 0
    assert len(targets(history, since="2001-01-01")) == 3


def test_words_and_every_filter_must_fit_together(journal: Journal, history: History) -> None:
    act(journal, "bo", "one of web-1", hosts=("web-1",))
    act(journal, 'bo/nightly "build"', "two of web-1", hosts=("web-1", "db"))
    act(journal, "alice", "three for bo on db", kind=Kind.ACCOUNT_SIGN_IN)
    assert targets(history, text="of") == ["two of web-1", "one of web-1"]
    assert targets(history, text="of", person="bo") == ["one of web-1"]
    assert targets(history, text="of", person='bo/nightly "build"') == ["two of web-1"]
    assert targets(history, text="of", host="db", kind="run:launch") == ["two of web-1"]
    assert targets(history, text="web-1", kind="account:sign-in") == []
    assert targets(history, text="three", kind="account:sign-in", person="alice") == ["three for bo on db"]
    assert targets(history, text="three", host="db") == []


@pytest.mark.parametrize("text", ["DF", "f -h", "192.0.2", "web-1", 'say "hi', "100%", "ab"])
def test_words_are_found_anywhere_and_never_as_a_query_language(journal: Journal, history: History, text: str) -> None:
    act(journal, target='df -h / say "hi 100% ab', hosts=("web-1",))
    act(journal, target="unrelated", person="zoe")
    found = targets(history, text=text)
    assert found[-1].startswith("df")


def test_pages_join_without_gap_or_double(journal: Journal, history: History) -> None:
    for number in range(25):
        act(journal, target=str(number))
    seen: list[str] = []
    cursor = None
    while True:
        page = history.search(HistoryQuery(limit=10, cursor=cursor))
        assert page.total == 25
        seen += [entry.target for entry in page.entries]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == [str(number) for number in reversed(range(25))]


def test_a_cursor_from_elsewhere_is_refused(history: History) -> None:
    with pytest.raises(BadInput, match="cursor"):
        history.search(HistoryQuery(cursor="'; drop table"))


@pytest.mark.parametrize("damage", [lambda cache: cache.unlink(), lambda cache: cache.write_bytes(b"rubbish" * 999)])
def test_the_cache_may_vanish_or_rot_at_any_moment(
    tmp_path: Path, journal: Journal, history: History, damage: object
) -> None:
    act(journal, target="one")
    assert targets(history) == ["one"]
    for suffix in ("-wal", "-shm"):
        (tmp_path / "cache" / f"history.db{suffix}").unlink(missing_ok=True)
    damage(tmp_path / "cache" / "history.db")  # type: ignore[operator]
    assert targets(history) == ["one"]


def test_a_journal_that_was_replaced_is_read_again(tmp_path: Path, journal: Journal, history: History) -> None:
    act(journal, target="one")
    act(journal, target="two")
    assert len(targets(history)) == 2
    (path,) = day_files(tmp_path / "audit")
    path.unlink()
    act(journal, target="three")
    assert targets(history) == ["three"]


def test_people_and_kinds_are_listed_for_the_filter(journal: Journal, history: History) -> None:
    for person in ("bob", "alice", "bob"):
        act(journal, person)
    assert history.persons() == ["alice", "bob"]
    assert history.kinds() == ["run:launch"]


@pytest.mark.parametrize("text", ["df", "-h", "ü!", "H /", "äl"])
def test_two_characters_are_found_wherever_they_stand(journal: Journal, history: History, text: str) -> None:
    act(journal, target="Hälfte von df -h / fürü!")
    act(journal, target="unrelated")
    assert targets(history, text=text) == ["Hälfte von df -h / fürü!"]


def test_only_so_many_are_counted_but_all_can_be_leafed_through(
    journal: Journal, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("selfservice.audit.history.MOST_COUNTED", 3)
    for number in range(7):
        act(journal, target=f"df {number}")
    page = history.search(HistoryQuery(text="df", limit=5))
    assert (page.total, page.total_is_least, page.total_in_words) == (3, True, "3 or more")
    rest = history.search(HistoryQuery(text="df", limit=5, cursor=page.next_cursor))
    assert [entry.target for entry in (*page.entries, *rest.entries)] == [f"df {number}" for number in range(6, -1, -1)]


def test_a_long_journal_is_taken_in_piece_by_piece(
    journal: Journal, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("selfservice.audit.history._BATCH", 3)
    for number in range(8):
        act(journal, target=str(number))
    assert targets(history) == [str(number) for number in range(7, -1, -1)]
