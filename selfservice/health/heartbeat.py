"""A heartbeat: what a node said of itself, checked field by field before anybody believes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from selfservice.errors import BadInput

MOST_DISKS = 200
MOST_VERSIONS = 20
LONGEST_MOUNT = 1024
LONGEST_VERSION = 200
_LONGEST_TIME = 40
_MOST_BYTES = 2**63 - 1
_MOST_SECONDS = 10**10
_MOST_LOAD = 10**6
_MOST_COUNTED = 10**6


@dataclass(frozen=True)
class Memory:
    """The memory of a node; sizes in bytes."""

    total: int
    available: int
    percent: float


@dataclass(frozen=True)
class Disk:
    """One file system of a node; sizes in bytes."""

    mount: str
    total: int
    used: int
    percent: float


@dataclass(frozen=True)
class Network:
    """Bytes since the node started."""

    received: int
    sent: int


@dataclass(frozen=True)
class Heartbeat:
    """What a node said of itself at one moment."""

    time: datetime
    uptime: int
    cpu_percent: float
    cpu_count: int
    #: Of 1, 5 and 15 minutes.
    load: tuple[float, float, float]
    memory: Memory
    disks: tuple[Disk, ...]
    network: Network
    running_tasks: int
    versions: dict[str, str]
    #: Seconds by which the node's clock is ahead of the receiver's.
    clock_offset: float

    @property
    def fullest_disk(self) -> Disk | None:
        """The disk with the least space left, in per cent."""
        return max(self.disks, key=lambda disk: disk.percent, default=None)

    def as_json(self) -> dict[str, Any]:
        """The body that `parse` reads as this heartbeat."""
        return {
            **vars(self),
            "time": self.time.isoformat(),
            "memory": vars(self.memory),
            "disks": [vars(disk) for disk in self.disks],
            "network": vars(self.network),
        }


def parse(body: object, received_at: datetime) -> Heartbeat:
    """The heartbeat in `body`, received at that moment. Raises BadInput naming the field.

    Names that are not known here are left aside: a newer node may say more. A clock offset in the
    body is one of them: only the receiver can tell.
    """
    said = _Said(body, "")
    time = said.time("time")
    return Heartbeat(
        time=time,
        uptime=said.whole("uptime", _MOST_SECONDS),
        cpu_percent=said.number("cpu_percent", 100),
        cpu_count=said.whole("cpu_count", _MOST_COUNTED, least=1),
        load=said.load("load"),
        memory=_memory(said.part("memory")),
        disks=tuple(_disk(part) for part in said.parts("disks", MOST_DISKS)),
        network=_network(said.part("network")),
        running_tasks=said.whole("running_tasks", _MOST_COUNTED) if said.has("running_tasks") else 0,
        versions=said.texts("versions", MOST_VERSIONS, LONGEST_VERSION),
        clock_offset=round((time - received_at).total_seconds(), 3),
    )


def _memory(said: _Said) -> Memory:
    return Memory(said.whole("total", _MOST_BYTES), said.whole("available", _MOST_BYTES), said.number("percent", 100))


def _disk(said: _Said) -> Disk:
    return Disk(
        said.text("mount", LONGEST_MOUNT),
        said.whole("total", _MOST_BYTES),
        said.whole("used", _MOST_BYTES),
        said.number("percent", 100),
    )


def _network(said: _Said) -> Network:
    return Network(said.whole("received", _MOST_BYTES), said.whole("sent", _MOST_BYTES))


class _Said:
    """A JSON object of a stranger; never looks deeper than it was asked to."""

    def __init__(self, value: object, path: str) -> None:
        """Raises BadInput where `value` is no object."""
        self._path = path
        if not isinstance(value, dict):
            raise BadInput(f"{self._path or 'A heartbeat'} must be a JSON object.", self._path or None)
        self._value = value

    def has(self, name: str) -> bool:
        """Whether anything is said of it."""
        return name in self._value

    def part(self, name: str) -> _Said:
        """The object called `name`."""
        return _Said(self._get(name), self._field(name))

    def parts(self, name: str, most: int) -> list[_Said]:
        """The objects in the list called `name`."""
        found = self._get(name)
        if not isinstance(found, list) or len(found) > most:
            raise self._wrong(name, f"must be a list of at most {most}")
        return [_Said(each, f"{self._field(name)}[{number}]") for number, each in enumerate(found)]

    def whole(self, name: str, most: int, *, least: int = 0) -> int:
        """A whole number from `least` to `most`."""
        found = self._get(name)
        if type(found) is not int or not least <= found <= most:
            raise self._wrong(name, f"must be a whole number from {least} to {most}")
        return found

    def number(self, name: str, most: int) -> float:
        """A number from 0 to `most`."""
        return self._number(name, self._get(name), most)

    def load(self, name: str) -> tuple[float, float, float]:
        """Three numbers."""
        found = self._get(name)
        if not isinstance(found, list) or len(found) != 3:
            raise self._wrong(name, "must be a list of three numbers")
        one, five, fifteen = (self._number(name, each, _MOST_LOAD) for each in found)
        return one, five, fifteen

    def text(self, name: str, longest: int) -> str:
        """One printable line."""
        return self._text(name, self._get(name), longest)

    def texts(self, name: str, most: int, longest: int) -> dict[str, str]:
        """An object of printable lines."""
        found = self._get(name)
        if not isinstance(found, dict) or len(found) > most:
            raise self._wrong(name, f"must be an object of at most {most} texts")
        return {self._text(name, key, longest): self._text(name, value, longest) for key, value in found.items()}

    def time(self, name: str) -> datetime:
        """A moment with a time zone."""
        text = self.text(name, _LONGEST_TIME)
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            found = None
        if found is None or found.utcoffset() is None:
            raise self._wrong(name, "must be a time with its zone, such as 2026-11-20T21:14:55Z")
        return found

    def _number(self, name: str, found: object, most: int) -> float:
        if type(found) not in (int, float) or not 0 <= found <= most:  # type: ignore[operator]
            raise self._wrong(name, f"must be a number from 0 to {most}")
        assert isinstance(found, int | float)  # noqa: S101  # for the type checker
        return float(found)

    def _text(self, name: str, found: object, longest: int) -> str:
        if not isinstance(found, str) or not 0 < len(found) <= longest or not found.isprintable():
            raise self._wrong(name, f"must be one line of 1 to {longest} characters")
        return found

    def _get(self, name: str) -> object:
        if name not in self._value:
            raise self._wrong(name, "is missing")
        found: object = self._value[name]
        return found

    def _field(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name

    def _wrong(self, name: str, how: str) -> BadInput:
        return BadInput(f"{self._field(name)} {how}.", self._field(name))
