"""The latest heartbeat of each node."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from selfservice.errors import BadInput
from selfservice.health.latest import Latest
from tests.health.factories import NOON, heartbeat


def test_what_one_process_accepts_another_one_reads(tmp_path: Path) -> None:
    there, here = Latest(tmp_path), Latest(tmp_path)
    assert here.all() == {}
    there.accept("web-1", heartbeat(cpu_percent=5), NOON)
    there.accept("web-2", heartbeat(cpu_percent=6), NOON)
    first = here.all()
    assert {name: heard.heartbeat.cpu_percent for name, heard in first.items()} == {"web-1": 5, "web-2": 6}
    there.accept("web-1", heartbeat(cpu_percent=7), NOON + timedelta(seconds=10))
    second = here.all()
    assert second["web-1"].heartbeat.cpu_percent == 7
    assert second["web-2"] is first["web-2"]


def test_a_forgotten_node_is_gone(tmp_path: Path) -> None:
    latest = Latest(tmp_path)
    latest.accept("web-1", heartbeat(), NOON)
    latest.all()
    latest.forget("web-1")
    assert latest.all() == {}
    assert latest.get("web-1") is None
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_is_as_if_it_were_not_there(tmp_path: Path) -> None:
    latest = Latest(tmp_path)
    latest.accept("web-1", heartbeat(), NOON)
    for damage in ("", "{", "[]", '{"received_at": "x"}', '{"received_at": "2026-11-20T12:00:00Z", "heartbeat": []}'):
        (tmp_path / "web-1/latest.json").write_text(damage)
        assert latest.all() == {}
    latest.accept("web-1", heartbeat(), NOON)
    assert list(latest.all()) == ["web-1"]


def test_only_names_of_nodes_become_folders(tmp_path: Path) -> None:
    latest = Latest(tmp_path / "health")
    with pytest.raises(BadInput):
        latest.accept("../web-1", heartbeat(), NOON)
    with pytest.raises(BadInput):
        latest.forget("..")
    assert list(tmp_path.iterdir()) == []
