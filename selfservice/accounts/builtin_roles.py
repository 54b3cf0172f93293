"""The roles that come with the program; their permissions are kept in step with it at every start."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from selfservice.accounts.models import Role
from selfservice.accounts.permissions import EVERYBODY, Permission

ADMINISTRATOR = "administrator"
TECHNICAL_AGENT = "technical-agent"
SALES_AGENT = "sales-agent"
VIEWER = "viewer"

_SALES = EVERYBODY | {Permission.HOST_READ, Permission.NODE_READ, Permission.REQUEST_READ}
_VIEWER = _SALES | {Permission.RUN_READ, Permission.SCHEDULE_READ, Permission.AUDIT_READ, Permission.FILE_READ}
_TECHNICAL = _VIEWER | {
    Permission.RUN_CANCEL,
    Permission.RUN_DOWNLOAD,
    Permission.RUN_KEEP,
    Permission.COMMAND_LAUNCH,
    Permission.OPERATION_LAUNCH,
    Permission.REQUEST_ANSWER,
    Permission.AUDIT_EXPORT,
    Permission.SCHEDULE_EDIT,
    Permission.TASK_RUN,
    Permission.CALL_SEND,
    Permission.FILE_EDIT,
}


@dataclass(frozen=True)
class BuiltinRole:
    """One of them."""

    name: str
    description: str
    permissions: frozenset[Permission]
    everything: bool = False


BUILTIN_ROLES = (
    BuiltinRole(ADMINISTRATOR, "Everything, people and roles as well.", frozenset(Permission), everything=True),
    BuiltinRole(TECHNICAL_AGENT, "Runs operations, commands and schedules on hosts.", _TECHNICAL),
    BuiltinRole(SALES_AGENT, "Sees which servers there are and how they are.", _SALES),
    BuiltinRole(VIEWER, "Sees what there is and what was done, and changes nothing.", _VIEWER),
)


def keep_in_step(session: Session) -> None:
    """Give the roles that come with the program the permissions of this version."""
    known = {role.name: role for role in session.scalars(select(Role).where(Role.builtin))}
    for each in BUILTIN_ROLES:
        role = known[each.name]
        role.description = each.description
        role.permissions = [] if each.everything else sorted(each.permissions)
