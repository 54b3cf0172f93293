"""What people can be told of."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from selfservice.accounts.permissions import Permission
from selfservice.scope import Scope

LONGEST_TEXT = 500


class EventKind(StrEnum):
    """Every kind of event that a target can ask for."""

    RUN_FAILED = "run:failed"
    RUN_SLOW = "run:slow"
    NODE_DOWN = "node:down"
    NODE_UP = "node:up"
    APPROVAL_WAITING = "approval:waiting"
    APPROVAL_DECIDED = "approval:decided"
    SCHEDULE_MISSED = "schedule:missed"
    ALERT = "alert"


#: What each one is, for the people who choose.
MEANINGS = {
    EventKind.RUN_FAILED: "a run failed, timed out or was lost",
    EventKind.RUN_SLOW: "a run takes longer than usual",
    EventKind.NODE_DOWN: "a node is down",
    EventKind.NODE_UP: "a node is up again",
    EventKind.APPROVAL_WAITING: "a request waits for my approval",
    EventKind.APPROVAL_DECIDED: "my request was decided",
    EventKind.SCHEDULE_MISSED: "a schedule was held back, missed or refused",
    EventKind.ALERT: "somebody sends me an alert",
}
#: The same for a project, whose targets are everybody's.
MEANINGS_IN_PROJECTS = {
    **MEANINGS,
    EventKind.NODE_DOWN: "a node that is a host of the project is down",
    EventKind.NODE_UP: "such a node is up again",
    EventKind.APPROVAL_WAITING: "a request waits for approval",
    EventKind.APPROVAL_DECIDED: "a request was decided",
    EventKind.ALERT: "somebody sends everybody in the project an alert",
}
#: Without which right nobody is told.
NEEDED = {
    EventKind.RUN_FAILED: Permission.RUN_READ,
    EventKind.RUN_SLOW: Permission.RUN_READ,
    EventKind.NODE_DOWN: Permission.HOST_READ,
    EventKind.NODE_UP: Permission.HOST_READ,
    EventKind.APPROVAL_WAITING: Permission.REQUEST_READ,
    EventKind.APPROVAL_DECIDED: Permission.REQUEST_READ,
    EventKind.SCHEDULE_MISSED: Permission.SCHEDULE_READ,
    EventKind.ALERT: Permission.ALERT_READ,
}


@dataclass(frozen=True)
class Event:
    """Something that happened."""

    kind: EventKind
    #: One line.
    text: str
    #: Two events with the same are one.
    once: str
    #: A path on this dashboard.
    link: str = ""
    #: Whom it concerns; everybody where nobody is named.
    people: tuple[str, ...] = ()
    #: Nobody else may learn of it.
    private: bool = False
    #: What it is about: who does not see that is told nothing.
    scope: Scope = field(default_factory=Scope)
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


def one_line(text: str) -> str:
    """`text` without line ends and control characters: names in it cannot add headers or lines to a message."""
    line = "".join(sign if sign.isprintable() else " " for sign in text)
    line = " ".join(line.split())
    return line if len(line) <= LONGEST_TEXT else f"{line[: LONGEST_TEXT - 1]}…"
