"""The state of a node: what is made of the latest heartbeat, the limits and the state before.

Pure: the moment, the heartbeat and the state before come in, the state now goes out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from selfservice.health.heartbeat import Heartbeat
from selfservice.health.latest import Heard
from selfservice.health.thresholds import Thresholds


class Health(StrEnum):
    """How a node is."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    LATE = "late"
    DOWN = "down"
    #: Never heard of.
    UNKNOWN = "unknown"


#: Worst first, as pages show them.
WORST_FIRST = (Health.DOWN, Health.LATE, Health.DEGRADED, Health.UNKNOWN, Health.HEALTHY)
SILENT = (Health.LATE, Health.DOWN)

#: A figure well within its limit, by so much, is good again at once.
_MARGINS = {"disk_percent": 5.0, "memory_percent": 5.0, "load_per_cpu": 0.5, "clock_offset": 1.0}
#: So many changes within that time make a node restless: to change for the better, or to become degraded, then takes
#: longer with each of them.
_CALM_CHANGES = 5
_RESTLESS_FOR = timedelta(minutes=10)
_MOST_CHANGES_KEPT = 10
_RESTLESS_SECONDS = 60


@dataclass(frozen=True)
class WatchedNode:
    """A node of the registry, as far as its health goes."""

    name: str
    groups: tuple[str, ...] = ()
    #: A node that is not enabled is not judged.
    enabled: bool = True


@dataclass(frozen=True)
class Standing:
    """How a node stands, since when and why."""

    state: Health
    since: datetime
    #: Sentences; none for a healthy node.
    why: tuple[str, ...] = ()
    #: Healthy or degraded: what it was when last heard.
    heard_as: Health = Health.HEALTHY
    #: Since when it would be in another state, were it only lasting.
    turning_since: datetime | None = None
    #: When it changed lately, oldest first.
    changes: tuple[datetime, ...] = ()


def judge(
    before: Standing | None,
    heard: Heard | None,
    now: datetime,
    limits: Thresholds,
    excused_since: datetime | None = None,
) -> Standing:
    """How the node stands now.

    Silence before `excused_since` does not count against it: nobody was there to hear.
    """
    if heard is None:
        never = Standing(Health.UNKNOWN, now, ("Nothing was ever heard of it.",))
        return replace(before, why=never.why) if before and before.state is Health.UNKNOWN else never
    silent_for = (now - heard.received_at).total_seconds()
    # What was heard long after now was heard before the clock was set back, and says nothing of now.
    if abs(silent_for) > limits.late_after:
        return _silent(before, heard, now, limits, excused_since)
    return _speaking(before, heard.heartbeat, now, limits)


def problems(heartbeat: Heartbeat, limits: Thresholds, *, within: bool = False) -> list[str]:
    """A sentence for each figure beyond its limit; `within`: or so near below it that it is not good again."""

    def over(value: float, limit: str) -> bool:
        most: float = getattr(limits, limit)
        return value > (max(most - _MARGINS[limit], most / 2) if within else most)

    found = [
        f"Disk {disk.mount} is {_figure(disk.percent)} % full, limit {_figure(limits.disk_percent)} %."
        for disk in heartbeat.disks
        if over(disk.percent, "disk_percent")
    ]
    if over(heartbeat.memory.percent, "memory_percent"):
        used, most = _figure(heartbeat.memory.percent), _figure(limits.memory_percent)
        found.append(f"Memory is {used} % in use, limit {most} %.")
    load = heartbeat.load[0] / heartbeat.cpu_count
    if over(load, "load_per_cpu"):
        found.append(f"Load is {load:.1f} for each processor, limit {_figure(limits.load_per_cpu)}.")
    if over(abs(heartbeat.clock_offset), "clock_offset"):
        way = "ahead" if heartbeat.clock_offset > 0 else "behind"
        off = abs(heartbeat.clock_offset)
        found.append(f"The clock is {_figure(off)} s {way}, limit {_figure(limits.clock_offset)} s.")
    return found


def _silent(
    before: Standing | None, heard: Heard, now: datetime, limits: Thresholds, excused_since: datetime | None
) -> Standing:
    moments = [moment for moment in (heard.received_at, excused_since) if moment and moment <= now]
    counted = (now - max(moments, default=now)).total_seconds()
    down = counted > limits.down_after or (before is not None and before.state is Health.DOWN)
    if not down and counted <= limits.late_after:
        waiting = Standing(Health.UNKNOWN, now, ("Nothing was heard of it since it is watched.",))
        return replace(before, turning_since=None) if before else waiting
    state, limit = (Health.DOWN, limits.down_after) if down else (Health.LATE, limits.late_after)
    last = heard.received_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    why = (f"Nothing was heard of it since {last}, limit {_figure(limit)} s.",)
    return _changed(before, state, now, why)


def _speaking(before: Standing | None, heartbeat: Heartbeat, now: datetime, limits: Thresholds) -> Standing:
    if before is None or before.state is Health.UNKNOWN:
        return _changed(before, Health.HEALTHY, now, ())
    beyond = tuple(problems(heartbeat, limits))
    near = tuple(problems(heartbeat, limits, within=True))
    if before.state in SILENT:
        state = _back_as(before, near)
        why = (near or ("It was degraded before it fell silent.",)) if state is Health.DEGRADED else ()
        return _changed(before, state, now, why) if _lasts(before, now, 0) else _turning(before, now, before.why)
    if before.state is Health.HEALTHY:
        if not beyond:
            return _steady(before, ())
        lasts = _lasts(before, now, limits.lasting)
        return _changed(before, Health.DEGRADED, now, beyond) if lasts else _turning(before, now, ())
    if beyond:
        return _steady(before, beyond)
    lasts = _lasts(before, now, limits.lasting if near else 0)
    return _changed(before, Health.HEALTHY, now, ()) if lasts else _turning(before, now, near or before.why)


def _back_as(before: Standing, near: tuple[str, ...]) -> Health:
    """What a node that is heard again is first: what it was, but after a real absence only if it still is."""
    if before.heard_as is Health.DEGRADED and (near or before.state is Health.LATE):
        return Health.DEGRADED
    return Health.HEALTHY


def _steady(before: Standing, why: tuple[str, ...]) -> Standing:
    return replace(before, why=why, turning_since=None)


def _turning(before: Standing, now: datetime, why: tuple[str, ...]) -> Standing:
    return replace(before, why=why, turning_since=before.turning_since or now)


def _lasts(before: Standing, now: datetime, seconds: float) -> bool:
    """Whether it has been turning for so long; a restless node needs longer."""
    turning_for = (now - (before.turning_since or now)).total_seconds()
    return turning_for >= max(seconds, _calming_seconds(before, now))


def _calming_seconds(before: Standing, now: datetime) -> float:
    lately = sum(1 for change in before.changes if now - change < _RESTLESS_FOR)
    return 0 if lately <= _CALM_CHANGES else _RESTLESS_SECONDS * 2.0 ** (lately - _CALM_CHANGES - 1)


def _changed(before: Standing | None, state: Health, now: datetime, why: tuple[str, ...]) -> Standing:
    if before is not None and before.state is state:
        return replace(before, why=why, turning_since=None)
    changes = tuple(_lately(before, now)) if before else ()
    heard_as = before.heard_as if state in SILENT and before else state
    if heard_as in (*SILENT, Health.UNKNOWN):
        heard_as = Health.HEALTHY
    return Standing(state, now, why, heard_as, changes=(*changes, now)[-_MOST_CHANGES_KEPT:])


def _lately(before: Standing, now: datetime) -> Iterator[datetime]:
    return (change for change in before.changes if now - change < _RESTLESS_FOR)


def _figure(value: float) -> str:
    """A number as people write it: no more digits than it needs."""
    return f"{value:.1f}".removesuffix(".0")
