"""The token of a node itself: made by a master, given to a worker."""

from __future__ import annotations

from dataclasses import replace

import pytest

from selfservice.nodes.own_token import Joined, joined, keep, own_token
from selfservice.settings import NodeType, SettingError, Settings


@pytest.fixture
def worker(settings: Settings) -> Settings:
    return replace(settings, node_type=NodeType.WORKER)


def test_a_master_makes_one_for_its_owner_alone(settings: Settings) -> None:
    assert own_token(settings) == own_token(settings)
    assert (settings.instance / "node_token").stat().st_mode & 0o777 == 0o600


def test_one_that_is_set_comes_before_one_that_is_made(settings: Settings) -> None:
    assert own_token(replace(settings, master_bearer_token="given")) == "given"
    assert not (settings.instance / "node_token").exists()


def test_a_worker_without_one_says_how_to_join(worker: Settings) -> None:
    with pytest.raises(SettingError, match=r"run\.py join"):
        own_token(worker)
    with pytest.raises(SettingError, match="does not know its master"):
        joined(worker)


def test_a_new_one_is_used_from_the_next_call_on(worker: Settings) -> None:
    keep(worker, "first", Joined("https://master.example.org:5000", "web-1"))
    assert (own_token(worker), joined(worker).name) == ("first", "web-1")
    keep(worker, "second", Joined("https://master.example.org:5000", "web-1"))
    assert own_token(worker) == "second"
    assert (worker.instance / "node_token").stat().st_mode & 0o777 == 0o600


def test_settings_come_before_what_was_joined(worker: Settings) -> None:
    keep(worker, "token", Joined("https://old.example.org:5000", "web-1"))
    assert joined(replace(worker, master_url="https://new.example.org/")).master_url == "https://new.example.org"
