"""What a stranger may say of a node, and what is refused."""

from __future__ import annotations

import json
import math
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfservice.errors import BadInput
from selfservice.health import sample
from selfservice.health.heartbeat import Heartbeat, parse
from tests.health.factories import NOON, body, disk, heartbeat


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def test_a_heartbeat_is_read_with_the_offset_of_its_clock() -> None:
    read = parse(body(), NOON - timedelta(seconds=600))
    assert read.clock_offset == 600
    assert (read.cpu_percent, read.load, read.running_tasks) == (12.5, (0.5, 0.4, 0.3), 2)
    assert read.fullest_disk is not None
    assert read.fullest_disk.percent == 40.0


def test_what_is_kept_is_read_back_as_the_same() -> None:
    sent = heartbeat(disks=[disk(30), disk(96, "/srv/my data")])
    assert parse(json.loads(json.dumps(sent.as_json())), NOON) == sent


def test_this_machine_says_what_can_be_read() -> None:
    said = json.loads(json.dumps(sample.take()))
    read = parse(said, NOON)
    assert read.memory.total > 0
    assert read.fullest_disk is not None
    assert set(read.versions) == {"selfservice", "python", "ansible", "system"}


def test_a_newer_node_may_say_more_and_the_offset_it_claims_does_not_count() -> None:
    assert parse({**body(), "mood": nested(10_000), "clock_offset": 99}, NOON).clock_offset == 0


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"time": "2026-11-20T12:00:00"}, "time"),
        ({"time": "yesterday"}, "time"),
        ({"time": 5}, "time"),
        ({"time": "x" * 5_000_000}, "time"),
        ({"uptime": -1}, "uptime"),
        ({"uptime": 1.5}, "uptime"),
        ({"uptime": True}, "uptime"),
        ({"uptime": 10**400}, "uptime"),
        ({"cpu_percent": math.nan}, "cpu_percent"),
        ({"cpu_percent": math.inf}, "cpu_percent"),
        ({"cpu_percent": 101}, "cpu_percent"),
        ({"cpu_percent": 10**400}, "cpu_percent"),
        ({"cpu_percent": "12"}, "cpu_percent"),
        ({"cpu_count": 0}, "cpu_count"),
        ({"load": [1, 2]}, "load"),
        ({"load": [1, 2, -0.1]}, "load"),
        ({"load": nested(10_000)}, "load"),
        ({"memory": nested(10_000)}, "memory"),
        ({"memory": {"total": 1, "available": 1}}, "memory.percent"),
        ({"disks": [disk(1)] * 201}, "disks"),
        ({"disks": {}}, "disks"),
        ({"disks": [disk(1), nested(10_000)]}, "disks[1]"),
        ({"disks": [disk(1, "a\nb")]}, "disks[0].mount"),
        ({"disks": [disk(1, "m" * 2_000_000)]}, "disks[0].mount"),
        ({"disks": [disk(1, "\ud800")]}, "disks[0].mount"),
        ({"network": {"received": 2**63, "sent": 0}}, "network.received"),
        ({"running_tasks": None}, "running_tasks"),
        ({"versions": {"python": nested(10_000)}}, "versions"),
        ({"versions": {str(number): "1" for number in range(21)}}, "versions"),
    ],
)
def test_what_cannot_be_is_refused_with_the_name_of_the_field(changed: dict[str, Any], field: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse(body(**changed), NOON)
    assert refused.value.field == field
    assert field in refused.value.sentence
    assert len(refused.value.sentence) < 200


@pytest.mark.parametrize("name", sorted(set(body()) - {"running_tasks"}))
def test_what_is_missing_is_named(name: str) -> None:
    said = body()
    del said[name]
    with pytest.raises(BadInput, match=f"{name} is missing"):
        parse(said, NOON)


@pytest.mark.parametrize("value", [None, [], "heartbeat", 5, nested(10_000)])
def test_what_is_no_object_is_refused(value: object) -> None:
    with pytest.raises(BadInput, match="JSON object"):
        parse(value, NOON)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(name=st.sampled_from(sorted(body())), value=_JSON)
def test_whatever_is_said_is_either_a_heartbeat_or_refused(name: str, value: object) -> None:
    try:
        read = parse(body(**{name: value}), NOON)
    except BadInput as refused:
        assert refused.sentence.startswith(name)
    else:
        assert isinstance(read, Heartbeat)
        assert math.isfinite(read.clock_offset)
        assert parse(json.loads(json.dumps(read.as_json(), allow_nan=False)), NOON) == read
