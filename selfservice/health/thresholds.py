"""From where on a node counts as degraded, late or down: defaults, and what groups and nodes say otherwise."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from selfservice.errors import BadInput

#: The names a file may use, each with the least and the most that makes sense.
_LIMITS = {
    "disk_percent": (1, 100),
    "memory_percent": (1, 100),
    "load_per_cpu": (0.1, 1000),
    "clock_offset": (0.1, 86400),
    "late_after": (5, 86400),
    "down_after": (10, 7 * 86400),
    "lasting": (0, 3600),
}


@dataclass(frozen=True)
class Thresholds:
    """The limits of one node; more than a limit is too much."""

    disk_percent: float = 90
    memory_percent: float = 95
    #: Load of one minute for each processor.
    load_per_cpu: float = 4
    #: Seconds, ahead or behind.
    clock_offset: float = 5
    #: Seconds of silence.
    late_after: float = 30
    down_after: float = 60
    #: Seconds for which a figure must stay beyond its limit, or within it, before the state changes.
    lasting: float = 30


@dataclass(frozen=True)
class Overrides:
    """What groups and nodes say otherwise than the defaults."""

    defaults: Thresholds = Thresholds()
    groups: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    nodes: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def of(self, name: str, groups: tuple[str, ...]) -> Thresholds:
        """The limits of a node: its own before those of its groups, of which the last by name wins."""
        found = self.defaults
        for group in sorted(groups):
            found = replace(found, **self.groups.get(group, {}))
        return replace(found, **self.nodes.get(name, {}))


class ThresholdsFile:
    """The limits in a YAML file, read again when it changes; the defaults where there is no such file."""

    def __init__(self, path: Path) -> None:
        """Name the file; nothing is read yet."""
        self._path = path
        self._lock = threading.Lock()
        self._mark: tuple[int, int] | None = None
        self._overrides = Overrides()
        self._trouble = ""

    @property
    def trouble(self) -> str:
        """Why the file as it is now cannot be used, if so; the limits before it hold on."""
        self.read()
        return self._trouble

    def of(self, name: str, groups: tuple[str, ...]) -> Thresholds:
        """The limits of a node."""
        return self.read().of(name, groups)

    def read(self) -> Overrides:
        """What the file says now, or what it said last before it became unusable."""
        with self._lock:
            mark = self._look()
            if mark != self._mark:
                self._mark = mark
                try:
                    self._overrides = parse(self._path.read_text(encoding="utf-8")) if mark else Overrides()
                    self._trouble = ""
                except (OSError, UnicodeDecodeError, BadInput) as error:
                    self._trouble = f"{self._path} cannot be used, so the limits before it hold on: {error}"
            return self._overrides

    def _look(self) -> tuple[int, int] | None:
        try:
            stat = self._path.stat()
        except FileNotFoundError:
            return None
        return stat.st_mtime_ns, stat.st_size


def parse(text: str) -> Overrides:
    """The limits in the text of such a file. Raises BadInput."""
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadInput(f"It is no YAML: {error}") from error
    parts = _mapping(value or {}, "The file")
    if unknown := sorted(set(parts) - {"defaults", "groups", "nodes"}):
        raise BadInput(f"{unknown[0]!r} is none of defaults, groups and nodes.", str(unknown[0]))
    return Overrides(
        _sound(replace(Thresholds(), **_limits(parts.get("defaults") or {}, "defaults")), "defaults"),
        *(
            {
                str(name): _limits(limits, f"{part}.{name}")
                for name, limits in _mapping(parts.get(part) or {}, part).items()
            }
            for part in ("groups", "nodes")
        ),
    )


def _limits(value: object, where: str) -> dict[str, float]:
    limits = _mapping(value, where)
    for name, limit in limits.items():
        if name not in _LIMITS:
            raise BadInput(f"{where}: {name!r} is no limit; there are {', '.join(_LIMITS)}.", where)
        least, most = _LIMITS[name]
        if type(limit) not in (int, float) or not least <= limit <= most:
            raise BadInput(f"{where}: {name} must be a number from {least} to {most}.", where)
    return limits


def _sound(found: Thresholds, where: str) -> Thresholds:
    if found.down_after < found.late_after:
        raise BadInput(f"{where}: a node cannot be down before it is late.", where)
    return found


def _mapping(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadInput(f"{where} must be a mapping.", where)
    return value
