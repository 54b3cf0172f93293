"""The watch: who is judged when, and that each change is told once whatever dies in between."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from selfservice.audit.history import History as AuditHistory
from selfservice.audit.journal import Journal
from selfservice.audit.query import HistoryQuery
from selfservice.health.changes import Change, Changes
from selfservice.health.latest import Latest
from selfservice.health.standings import Standings
from selfservice.health.state import Health, WatchedNode
from selfservice.health.thresholds import Overrides
from selfservice.health.watch import Watch
from tests.health.factories import NOON, disk, heartbeat

FULL = [disk(96)]


class Died(BaseException):
    """The process is killed."""


@dataclass
class Fleet:
    """A master with its nodes, a clock that the test turns, and what was told."""

    folder: Path
    nodes: list[WatchedNode]
    told: list[Change] = field(default_factory=list)
    dies_telling: bool = False
    now: datetime = NOON

    def __post_init__(self) -> None:
        (self.folder / "audit").mkdir()
        self.latest = Latest(self.folder / "health")
        self.restart()

    def restart(self) -> None:
        self.watch = Watch(
            self.latest, Overrides().of, lambda: self.nodes, self.tell, Journal(self.folder / "audit", "m"), "master"
        )

    def tell(self, change: Change) -> None:
        if self.dies_telling:
            raise Died
        self.told.append(change)

    def beat(self, *names: str, **changed: Any) -> None:
        for name in names:
            self.latest.accept(name, heartbeat(self.now, **changed), self.now)

    def live(self, seconds: int, *speaking: str, **changed: Any) -> None:
        """So many seconds, with heartbeats each ten."""
        for second in range(seconds):
            if second % 10 == 0:
                self.beat(*speaking, **changed)
            self.watch.tick(self.now)
            self.now += timedelta(seconds=1)

    def news(self) -> list[tuple[str, str, str]]:
        found = [(change.node, change.old.value, change.new.value) for change in self.told]
        self.told.clear()
        return found

    def audited(self) -> list[str]:
        entries = AuditHistory(self.folder / "audit", self.folder / "cache").search(HistoryQuery()).entries
        return [f"{entry.target} {entry.detail['old']} {entry.detail['new']}" for entry in reversed(entries)]


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet(tmp_path, [WatchedNode(name) for name in ("master", "web-1", "web-2")])


ALL = ("master", "web-1", "web-2")


def test_each_change_is_told_and_audited_once(fleet: Fleet) -> None:
    fleet.live(30, *ALL)
    assert fleet.news() == [(name, "unknown", "healthy") for name in ALL]
    fleet.live(120, "master", "web-2")
    assert fleet.news() == [("web-1", "healthy", "late"), ("web-1", "late", "down")]
    fleet.live(120, *ALL)
    assert fleet.news() == [("web-1", "down", "healthy")]
    assert fleet.audited()[3:] == ["web-1 healthy late", "web-1 late down", "web-1 down healthy"]


def test_a_restart_of_the_watch_tells_nothing_again(fleet: Fleet) -> None:
    fleet.live(40, "master", "web-2")
    fleet.live(40, *ALL, disks=FULL)
    assert ("web-1", "healthy", "degraded") in fleet.news()
    fleet.restart()
    fleet.live(60, *ALL, disks=FULL)
    assert fleet.news() == []


def test_a_node_that_is_down_stays_down_over_a_restart(fleet: Fleet) -> None:
    fleet.live(10, *ALL)
    fleet.live(100, "master", "web-2")
    fleet.news()
    fleet.restart()
    fleet.live(100, "master", "web-2")
    assert fleet.news() == []
    assert Standings(fleet.latest.folder).all()["web-1"].standing.state is Health.DOWN


def test_killed_before_it_could_tell_the_next_watch_tells_the_same_change(fleet: Fleet) -> None:
    fleet.live(10, *ALL)
    fleet.news()
    fleet.dies_telling = True
    with pytest.raises(Died):
        fleet.live(60, "master", "web-2")
    fleet.dies_telling = False
    since = Standings(fleet.latest.folder).all()["web-1"].standing.since
    fleet.restart()
    fleet.live(1, "master", "web-2")
    assert [(change.node, change.new, change.at) for change in fleet.told] == [("web-1", Health.LATE, since)]
    assert len(Changes(fleet.latest.folder).of("web-1")) == 2


def test_whoever_cannot_be_told_now_is_told_later_and_the_others_are_judged(
    fleet: Fleet, caplog: pytest.LogCaptureFixture
) -> None:
    fleet.live(10, *ALL)
    fleet.news()
    tell = fleet.tell
    failing = {"web-1"}

    def refuse(change: Change) -> None:
        if change.node in failing:
            raise OSError("the disk is full")
        tell(change)

    fleet.watch._tell = refuse
    fleet.live(35, "master")
    assert fleet.news() == [("web-2", "healthy", "late")]
    assert "the health of web-1 could not be judged" in caplog.text
    failing.clear()
    fleet.live(1, "master")
    assert fleet.news() == [("web-1", "healthy", "late")]


def test_while_the_master_itself_is_not_heard_nobody_else_is_judged(fleet: Fleet) -> None:
    fleet.live(10, *ALL)
    fleet.news()
    fleet.live(300)
    assert fleet.news() == [("master", "healthy", "late"), ("master", "late", "down")]
    # The others have a full down-time from the moment on when the master is back.
    fleet.live(50, "master")
    assert fleet.news() == [
        ("master", "down", "healthy"),
        ("web-1", "healthy", "late"),
        ("web-2", "healthy", "late"),
    ]
    fleet.live(20, *ALL)
    assert fleet.news() == [("web-1", "late", "healthy"), ("web-2", "late", "healthy")]


def test_after_the_whole_master_was_away_nobody_is_down_at_once(fleet: Fleet) -> None:
    fleet.live(10, *ALL)
    fleet.news()
    fleet.now += timedelta(hours=1)
    fleet.restart()
    fleet.live(20, "master")
    assert fleet.news() == []
    fleet.live(20, *ALL)
    assert fleet.news() == []


def test_a_pause_of_the_watch_itself_counts_against_nobody(fleet: Fleet) -> None:
    fleet.live(10, *ALL)
    fleet.news()
    fleet.now += timedelta(minutes=10)
    fleet.live(5, "master")
    assert fleet.news() == []


def test_a_clock_that_is_set_back_hides_no_dead_node(fleet: Fleet) -> None:
    fleet.live(10, *ALL)
    fleet.news()
    fleet.now -= timedelta(hours=1)
    fleet.live(20, "master", "web-2")
    assert fleet.news() == []
    fleet.live(60, "master", "web-2")
    assert fleet.news() == [("web-1", "healthy", "late"), ("web-1", "late", "down")]


def test_nodes_that_are_not_enabled_or_not_there_any_more_are_left_alone(fleet: Fleet) -> None:
    fleet.live(10, *ALL)
    fleet.news()
    fleet.nodes = [WatchedNode("master"), WatchedNode("web-1", enabled=False)]
    fleet.live(100, "master")
    assert fleet.news() == []


def test_without_a_heartbeat_of_the_master_the_others_are_judged_all_the_same(fleet: Fleet) -> None:
    fleet.live(10, "web-1")
    fleet.live(70)
    assert fleet.news() == [
        ("web-1", "unknown", "healthy"),
        ("web-1", "healthy", "late"),
        ("web-1", "late", "down"),
    ]


def test_a_thousand_changes_of_one_node_are_more_than_are_kept(tmp_path: Path) -> None:
    changes = Changes(tmp_path)
    for number in range(1200):
        at = NOON + timedelta(seconds=number)
        changes.add(Change("web-1", at, Health.HEALTHY, Health.DOWN, ("Why — not.",)))
    kept = changes.of("web-1")
    assert 500 <= len(kept) <= 1000
    assert kept[-1].at == NOON + timedelta(seconds=1199)
    assert changes.of("web-1", NOON + timedelta(seconds=1190)) == kept[-10:]
