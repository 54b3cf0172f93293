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
PROJECT_MEMBER = "project-member"

_SEEING = EVERYBODY | {
    Permission.HOST_READ,
    Permission.NODE_READ,
    Permission.REQUEST_READ,
    Permission.PROJECT_READ,
    Permission.PROJECT_OUTSIDE,
}
_SALES = _SEEING | {Permission.OPERATION_ASK, Permission.REQUEST_COMMENT}
_VIEWER = _SEEING | {Permission.RUN_READ, Permission.SCHEDULE_READ, Permission.AUDIT_READ, Permission.FILE_READ}
_TECHNICAL = _VIEWER | {
    Permission.RUN_CANCEL,
    Permission.RUN_DOWNLOAD,
    Permission.RUN_KEEP,
    Permission.COMMAND_LAUNCH,
    Permission.OPERATION_LAUNCH,
    Permission.OPERATION_ASK,
    Permission.REQUEST_COMMENT,
    Permission.REQUEST_ANSWER,
    Permission.AUDIT_EXPORT,
    Permission.SCHEDULE_EDIT,
    Permission.TASK_RUN,
    Permission.CALL_SEND,
    Permission.FILE_EDIT,
    Permission.PROJECT_MANAGE,
}
#: The tasks of the master's own worker belong to no project.
_MEMBER = _TECHNICAL - {Permission.PROJECT_OUTSIDE, Permission.TASK_RUN}


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
    BuiltinRole(SALES_AGENT, "Asks for the operations that name this role, and sees how the servers are.", _SALES),
    BuiltinRole(VIEWER, "Sees what there is and what was done, and changes nothing.", _VIEWER),
    BuiltinRole(PROJECT_MEMBER, "Works in their projects, and sees nothing beside them.", _MEMBER),
)


def keep_in_step(session: Session) -> None:
    """Give the roles that come with the program the permissions of this version."""
    known = {role.name: role for role in session.scalars(select(Role).where(Role.builtin))}
    for each in BUILTIN_ROLES:
        role = known[each.name]
        role.description = each.description
        role.permissions = [] if each.everything else sorted(each.permissions)
