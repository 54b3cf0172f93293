"""What people do: the nouns of the audit."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """Every kind of action, as `subject:action`."""

    ACCOUNT_SIGN_IN = "account:sign-in"
    ACCOUNT_SIGN_OUT = "account:sign-out"
    ACCOUNT_CREATE = "account:create"
    ACCOUNT_PASSWORD = "account:password"
    ACCOUNT_CHANGE = "account:change"
    ROLE_CREATE = "role:create"
    ROLE_CHANGE = "role:change"
    ROLE_REMOVE = "role:remove"
    TOKEN_CREATE = "token:create"
    TOKEN_REVOKE = "token:revoke"
    TOKEN_USE = "token:use"
    RUN_LAUNCH = "run:launch"
    RUN_CANCEL = "run:cancel"
    RUN_DOWNLOAD = "run:download"
    RUN_KEEP = "run:keep"
    RUN_LET_GO = "run:let-go"
    RETENTION_SWEEP = "retention:sweep"
    ALERT_SEND = "alert:send"
    ALERT_WITHDRAW = "alert:withdraw"
    SCHEDULE_CREATE = "schedule:create"
    SCHEDULE_CHANGE = "schedule:change"
    SCHEDULE_ENABLE = "schedule:enable"
    SCHEDULE_DISABLE = "schedule:disable"
    SCHEDULE_DELETE = "schedule:delete"
    BLACKOUT_CREATE = "blackout:create"
    BLACKOUT_DELETE = "blackout:delete"
    NODE_STATE = "node:state"
    REPOSITORY_CREATE = "repository:create"
    REPOSITORY_CHANGE = "repository:change"
    REPOSITORY_DELETE = "repository:delete"
    REPOSITORY_CHECK = "repository:check"
    FILE_VIEW = "file:view"
    FILE_DOWNLOAD = "file:download"
    FILE_COMMIT = "file:commit"
    BRANCH_CREATE = "branch:create"
    BRANCH_DELETE = "branch:delete"
    PULL_REQUEST_OPEN = "pull-request:open"
    PULL_REQUEST_MERGE = "pull-request:merge"
    EDIT_DISCARD = "edit:discard"
    SOURCE_MARK = "source:mark"
    SOURCE_UNMARK = "source:unmark"
    SOURCE_SYNC = "source:sync"
    AUDIT_EXPORT = "audit:export"
    AUDIT_TORN = "audit:torn-line"
    API_CALL = "api:call"
    TASK_START = "task:start"
    TASK_CANCEL = "task:cancel"
    TASK_LOST = "task:lost"
    TASK_FORWARD = "task:forward"
    RESULT_REFUSED = "result:refused"
    NODE_ADD = "node:add"
    NODE_CHANGE = "node:change"
    NODE_ROTATE = "node:rotate"
    NODE_REVOKE = "node:revoke"
    NODE_REMOVE = "node:remove"
    CALL_SEND = "call:send"


class Outcome(StrEnum):
    """How an action ended for the person."""

    OK = "ok"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True)
class Actor:
    """Who acts, by which way in, from where."""

    name: str
    #: session | token | terminal | schedule | node | system
    via: str
    #: Network address, or "local" for a terminal of this machine.
    address: str


#: The program itself, where nobody asked.
SYSTEM = Actor("selfservice", "system", "local")


@dataclass(frozen=True)
class Action:
    """Who did what to what, with what outcome."""

    kind: Kind
    actor: Actor
    #: What it was done to, in words a person knows: a run's title, an account's name.
    target: str
    outcome: Outcome = Outcome.OK
    hosts: tuple[str, ...] = ()
    run_id: str | None = None
    #: Further facts as short text; never a secret.
    detail: dict[str, str] = field(default_factory=dict)
