"""What a person may do: the permissions and the one decision about them."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol


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


#: What only administrators may do. Roles will take the place of this set.
ADMINISTRATORS_ONLY = frozenset(
    {
        Permission.COMMAND_BECOME,
        Permission.ALERT_SEND,
        Permission.BLACKOUT_EDIT,
        Permission.CALL_ANY_PATH,
        Permission.NODE_EDIT,
        Permission.FILE_MERGE,
        Permission.REPOSITORY_EDIT,
    }
)


class Holder(Protocol):
    """Whoever asks: a person or a token."""

    @property
    def active(self) -> bool:
        """Whether the account or token is in use."""

    @property
    def is_administrator(self) -> bool:
        """Whether every permission is given."""


def decide(holder: Holder, permission: Permission) -> bool:
    """Whether `holder` has `permission`: the only place that decides it."""
    if not holder.active:
        return False
    return holder.is_administrator or permission not in ADMINISTRATORS_ONLY
