"""Which panels Home has for whom: a permission brings a panel, and no role is asked for by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from selfservice.accounts.permissions import Permission


@dataclass(frozen=True)
class Panel:
    """One part of Home; its template is home/_<name>.html, its figures are the function of that name."""

    name: str
    permission: Permission
    #: Whoever has this as well has a panel that says more.
    unless: Permission | None = None


#: In their order on the page: what needs somebody, what they can do, how things are, what was done.
PANELS = (
    Panel("for_me", Permission.REQUEST_ANSWER),
    Panel("ask", Permission.OPERATION_ASK, unless=Permission.OPERATION_LAUNCH),
    Panel("oversight", Permission.PERSON_EDIT),
    Panel("runs", Permission.RUN_READ),
    Panel("operations", Permission.OPERATION_LAUNCH),
    Panel("my_requests", Permission.OPERATION_ASK),
    Panel("health", Permission.HOST_READ),
    Panel("projects", Permission.PROJECT_READ),
    Panel("schedules", Permission.SCHEDULE_READ),
    Panel("hosts", Permission.COMMAND_LAUNCH),
    Panel("history", Permission.AUDIT_READ),
)


def panels_for(may: Callable[[Permission], bool]) -> list[Panel]:
    """The panels of somebody of whom `may` says what they may do."""
    return [each for each in PANELS if may(each.permission) and not (each.unless and may(each.unless))]
