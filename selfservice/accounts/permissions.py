"""What a person may do: the permissions and the one decision about them."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import Protocol

from selfservice.scope import Level


class Permission(StrEnum):
    """Every right a route can ask for, as `subject:action`."""

    HOME_VIEW = "home:view"
    RUN_READ = "run:read"
    RUN_CANCEL = "run:cancel"
    RUN_DOWNLOAD = "run:download"
    RUN_KEEP = "run:keep"
    COMMAND_LAUNCH = "command:launch"
    COMMAND_BECOME = "command:become"
    OPERATION_LAUNCH = "operation:launch"
    OPERATION_ASK = "operation:ask"
    REQUEST_READ = "request:read"
    REQUEST_COMMENT = "request:comment"
    REQUEST_ANSWER = "request:answer"
    HOST_READ = "host:read"
    AUDIT_READ = "audit:read"
    AUDIT_EXPORT = "audit:export"
    ALERT_READ = "alert:read"
    ALERT_SEND = "alert:send"
    SCHEDULE_READ = "schedule:read"
    SCHEDULE_EDIT = "schedule:edit"
    BLACKOUT_EDIT = "blackout:edit"
    TASK_RUN = "task:run"
    CALL_SEND = "call:send"
    CALL_ANY_PATH = "call:any-path"
    NODE_READ = "node:read"
    NODE_EDIT = "node:edit"
    FILE_READ = "file:read"
    FILE_EDIT = "file:edit"
    FILE_MERGE = "file:merge"
    REPOSITORY_EDIT = "repository:edit"
    ACCOUNT_SELF = "account:self"
    PERSON_READ = "person:read"
    PERSON_EDIT = "person:edit"
    ROLE_EDIT = "role:edit"
    SECURITY_EDIT = "security:edit"
    PROJECT_READ = "project:read"
    PROJECT_MANAGE = "project:manage"
    PROJECT_EDIT = "project:edit"
    PROJECT_OUTSIDE = "project:outside"


#: What each one lets somebody do, for the people who put roles together.
MEANINGS = {
    Permission.HOME_VIEW: "open the first page, the search and the API's description",
    Permission.RUN_READ: "see runs with their output",
    Permission.RUN_CANCEL: "cancel runs",
    Permission.RUN_DOWNLOAD: "download the files of runs",
    Permission.RUN_KEEP: "keep runs beyond their time",
    Permission.COMMAND_LAUNCH: "run any command on any host",
    Permission.COMMAND_BECOME: "run commands as root",
    Permission.OPERATION_LAUNCH: "start operations that are for them",
    Permission.REQUEST_READ: "see requests for operations that are for them",
    Permission.REQUEST_ANSWER: "approve, reject, change and comment on requests, where it is theirs to do",
    Permission.HOST_READ: "see hosts and their health",
    Permission.AUDIT_READ: "see who did what",
    Permission.AUDIT_EXPORT: "export who did what",
    Permission.ALERT_READ: "see and dismiss their alerts",
    Permission.ALERT_SEND: "send alerts to everybody",
    Permission.OPERATION_ASK: "run or ask for operations that name them or their role",
    Permission.REQUEST_COMMENT: "comment on requests, and change and withdraw their own",
    Permission.SCHEDULE_READ: "see schedules and blackouts",
    Permission.SCHEDULE_EDIT: "make and change schedules",
    Permission.BLACKOUT_EDIT: "make and end blackouts",
    Permission.TASK_RUN: "run tasks on the master",
    Permission.CALL_SEND: "send tasks to nodes",
    Permission.CALL_ANY_PATH: "send calls to any path of nodes",
    Permission.NODE_READ: "see nodes",
    Permission.NODE_EDIT: "add, change and shut out nodes",
    Permission.FILE_READ: "look at files of repositories",
    Permission.FILE_EDIT: "change files on branches of their own",
    Permission.FILE_MERGE: "merge what was changed",
    Permission.REPOSITORY_EDIT: "register repositories and make them sources of playbooks",
    Permission.ACCOUNT_SELF: "change their own password and tokens",
    Permission.PERSON_READ: "see people, teams and roles",
    Permission.PERSON_EDIT: "add and change people",
    Permission.ROLE_EDIT: "add and change roles",
    Permission.SECURITY_EDIT: "decide how people sign in",
    Permission.PROJECT_READ: "see the projects they have access to",
    Permission.PROJECT_MANAGE: "give access, keep secrets and set SSH up in projects they are admin of",
    Permission.PROJECT_EDIT: "make projects and teams, and say what belongs to a project",
    Permission.PROJECT_OUTSIDE: "do what else they may also with what belongs to no project",
}


#: What every role has: without them nobody could sign out.
EVERYBODY = frozenset({Permission.HOME_VIEW, Permission.ALERT_READ, Permission.ACCOUNT_SELF})


#: What a permission brings along, because it is of no use without.
_BRINGS = {
    Permission.COMMAND_LAUNCH: {Permission.REQUEST_COMMENT},
    Permission.OPERATION_LAUNCH: {Permission.OPERATION_ASK, Permission.REQUEST_COMMENT},
    Permission.OPERATION_ASK: {Permission.REQUEST_COMMENT},
    Permission.REQUEST_ANSWER: {Permission.REQUEST_COMMENT},
}


def with_brought(permissions: Collection[Permission]) -> frozenset[Permission]:
    """`permissions`, and what they bring along."""
    return frozenset(permissions).union(*(_BRINGS.get(each, ()) for each in permissions))


class Scope(StrEnum):
    """How far a token goes; each goes further than the one before, and none further than its person."""

    READ = "read"
    LAUNCH = "launch"
    ADMINISTER = "administer"


_READING = frozenset(
    {
        Permission.HOME_VIEW,
        Permission.RUN_READ,
        Permission.RUN_DOWNLOAD,
        Permission.REQUEST_READ,
        Permission.HOST_READ,
        Permission.AUDIT_READ,
        Permission.AUDIT_EXPORT,
        Permission.ALERT_READ,
        Permission.SCHEDULE_READ,
        Permission.NODE_READ,
        Permission.FILE_READ,
        Permission.PERSON_READ,
        Permission.PROJECT_READ,
        Permission.PROJECT_OUTSIDE,
    }
)
_LAUNCHING = _READING | {
    Permission.RUN_CANCEL,
    Permission.RUN_KEEP,
    Permission.COMMAND_LAUNCH,
    Permission.COMMAND_BECOME,
    Permission.OPERATION_LAUNCH,
    Permission.OPERATION_ASK,
    Permission.REQUEST_COMMENT,
    Permission.REQUEST_ANSWER,
    Permission.TASK_RUN,
    Permission.CALL_SEND,
    Permission.FILE_EDIT,
}
#: What tokens of each scope may at most.
SCOPES = {Scope.READ: _READING, Scope.LAUNCH: _LAUNCHING, Scope.ADMINISTER: frozenset(Permission)}


#: How far access to the project of a thing must go for these rights; for all others `read` is enough.
NEEDED_LEVELS = {
    **dict.fromkeys(
        (
            Permission.RUN_CANCEL,
            Permission.RUN_KEEP,
            Permission.COMMAND_LAUNCH,
            Permission.COMMAND_BECOME,
            Permission.OPERATION_LAUNCH,
            Permission.OPERATION_ASK,
            Permission.REQUEST_ANSWER,
            Permission.SCHEDULE_EDIT,
            Permission.TASK_RUN,
            Permission.CALL_SEND,
            Permission.CALL_ANY_PATH,
            Permission.FILE_EDIT,
            Permission.FILE_MERGE,
        ),
        Level.WRITE,
    ),
    **dict.fromkeys((Permission.NODE_EDIT, Permission.REPOSITORY_EDIT, Permission.PROJECT_MANAGE), Level.ADMIN),
}


class Holder(Protocol):
    """Whoever asks: a person or a token."""

    @property
    def active(self) -> bool:
        """Whether the account or token is in use."""

    @property
    def permissions(self) -> frozenset[Permission]:
        """What its role, and for a token its scopes, give it."""


def decide(holder: Holder, permission: Permission, level: Level = Level.ADMIN) -> bool:
    """Whether `holder` has `permission` for a thing to which their access goes as far as `level`.

    The only place that decides it. `level` is ADMIN for what is about no thing at all.
    """
    return holder.active and permission in holder.permissions and level >= NEEDED_LEVELS.get(permission, Level.READ)
