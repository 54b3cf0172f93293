"""What a thing is about, and how far somebody's access to it goes: all that a decision about it needs to know."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Protocol


class Level(IntEnum):
    """How far access to a project, and so to a thing of it, goes; each goes further than the one before."""

    NONE = 0
    READ = 1
    WRITE = 2
    ADMIN = 3

    @property
    def word(self) -> str:
        """What pages, records and the API call it."""
        return self.name.lower()


@dataclass(frozen=True)
class Scope:
    """What a run, an action or an alert is about; empty where it is about nothing that a project could have."""

    #: The project it was done in. Where there is none, what it touches decides.
    project: str = ""
    hosts: tuple[str, ...] = ()
    operation: str = ""
    repository: str = ""


def scope_of_json(value: Mapping[str, Any]) -> Scope:
    """The scope whose fields are in `value`, as JSON has them."""
    return Scope(**{**value, "hosts": tuple(value.get("hosts", ()))})


class Sight(Protocol):
    """What one person or token sees."""

    @property
    def everything(self) -> bool:
        """Whether nothing at all is hidden, so that nobody need look."""

    @property
    def key(self) -> Hashable:
        """The same for two sights that see the same."""

    def level(self, scope: Scope) -> Level:
        """How far access to a thing of this scope goes."""

    def may(self, permission: str, scope: Scope) -> bool:
        """Whether `permission` is given for a thing of this scope."""


@dataclass(frozen=True)
class Everything:
    """The sight of the program itself: its executor, its node, whoever sits at its terminal."""

    everything: bool = True
    key: Hashable = "everything"

    def level(self, scope: Scope) -> Level:
        """All of it."""
        return Level.ADMIN

    def may(self, permission: str, scope: Scope) -> bool:
        """All of it."""
        return True


@dataclass(frozen=True)
class Nothing:
    """The sight of somebody who is not known."""

    everything: bool = False
    key: Hashable = "nothing"

    def level(self, scope: Scope) -> Level:
        """Nothing of it."""
        return Level.NONE

    def may(self, permission: str, scope: Scope) -> bool:
        """Nothing of it."""
        return False


EVERYTHING = Everything()
NOTHING = Nothing()


def sees(sight: Sight, scope: Scope) -> bool:
    """Whether a thing of this scope exists for whoever has this sight."""
    return sight.everything or sight.level(scope) >= Level.READ
