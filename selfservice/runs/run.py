"""The noun of this house: one run, what was asked and where it stands."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

from selfservice.audit.actions import Actor
from selfservice.scope import Scope

SCHEMA = 1


class State(StrEnum):
    """Where a run stands; the first two go on, the others are ends."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCESSFUL = "successful"
    FAILED = "failed"
    CANCELED = "canceled"
    TIMED_OUT = "timed_out"
    LOST = "lost"

    @property
    def ended(self) -> bool:
        """Whether this state is final."""
        return self not in (State.QUEUED, State.RUNNING)


class RunKind(StrEnum):
    """What a run executes."""

    COMMAND = "command"
    PLAYBOOK = "playbook"


@dataclass(frozen=True)
class RunRequest:
    """What is asked for: one ad-hoc command, or one playbook, which may be that of an operation."""

    kind: RunKind
    #: The Ansible host pattern as the person gave it, and the hosts it meant then.
    hosts: str
    host_names: tuple[str, ...]
    #: The command line, or the playbook's path below playbooks/.
    command: str = ""
    playbook: str = ""
    #: The operation's name, and what it is called on pages; empty where nobody chose an operation.
    operation: str = ""
    label: str = ""
    shell: bool = False
    become: bool = False
    #: Only say what would change: `--check --diff`.
    check: bool = False
    #: Extra variables without the secret ones, which are handed to the run's process by another way.
    variables: dict[str, Any] = field(default_factory=dict)
    secret_names: tuple[str, ...] = ()
    #: Seconds; 0 for never.
    timeout: int = 0
    #: The name of the project it runs in: whose secrets and SSH settings it uses, and who sees it. Empty for none.
    project: str = ""
    #: Where it may only run as it was approved: the hash of the playbook's files (`runs.content`).
    content: str = ""

    #: The repositories whose playbook or hosts it uses, each with the commit.
    sources: dict[str, str] = field(default_factory=dict)
    #: Files with hosts of repositories, read beside the inventory of the node.
    inventories: tuple[str, ...] = ()

    @property
    def scope(self) -> Scope:
        """What it is about, for whoever decides who sees it."""
        return Scope(self.project, tuple(sorted(self.host_names)), self.operation)

    @property
    def title(self) -> str:
        """What to call it on pages."""
        if self.kind is RunKind.COMMAND:
            return self.label or self.command
        return self.label or self.playbook

    @property
    def fingerprint(self) -> str:
        """The same for two requests that ask for the same thing on the same hosts.

        Secret values have no part in it: a hash in a file would let them be guessed.
        """
        asked = asdict(replace(self, hosts="", label="", timeout=0, sources={}, inventories=()))
        del asked["content"]  # what changed in between is no reason to run twice at once
        asked["host_names"] = sorted(self.host_names)
        if not self.project:
            del asked["project"]
        return hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()[:32]

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> RunRequest:
        """The request whose fields are in `value`. Raises KeyError, TypeError or ValueError for anything else."""
        names = {name: tuple(value.get(name, ())) for name in ("host_names", "secret_names", "inventories")}
        return cls(**{**value, **names, "kind": RunKind(value["kind"])})


@dataclass(frozen=True)
class Run:
    """`run.json`: what was asked, by whom, from where, when."""

    id: str
    request: RunRequest
    actor: Actor
    #: ISO 8601, UTC, microseconds: the order of the queue.
    queued_at: str
    node: str
    #: The run this one repeats, where it does.
    again_of: str | None = None
    #: The id of the schedule that asked for it, where one did.
    schedule: str | None = None
    #: The number of the request by which it was approved, or which it is the preview of.
    approval: str | None = None

    @property
    def can_be_repeated(self) -> bool:
        """Whether the request says all: a command line may have had options (tags, an inventory) that it does not."""
        return self.actor.via != "terminal"

    def to_json(self) -> dict[str, Any]:
        """The content of run.json."""
        return {"schema": SCHEMA, **asdict(self)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Run:
        """The run that `to_json` described. Raises KeyError, TypeError or ValueError for anything else."""
        return cls(
            id=value["id"],
            request=RunRequest.from_json(value["request"]),
            actor=Actor(**value["actor"]),
            queued_at=value["queued_at"],
            node=value["node"],
            again_of=value.get("again_of"),
            schedule=value.get("schedule"),
            approval=value.get("approval"),
        )


@dataclass(frozen=True)
class Status:
    """`state.json`: where a run stands, since when and why."""

    state: State
    started_at: str | None = None
    ended_at: str | None = None
    #: The process that executes it, told from a later one of the same number by its start
    #: (clock ticks since boot) and the boot it belongs to.
    pid: int | None = None
    pid_started: int | None = None
    boot: str | None = None
    rc: int | None = None
    #: Why it ended so, in a sentence.
    why: str = ""

    def to_json(self) -> dict[str, Any]:
        """The content of state.json."""
        return {"schema": SCHEMA, **asdict(self)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Status:
        """The status that `to_json` described."""
        known: dict[str, Any] = {name: value.get(name) for name in cls.__dataclass_fields__}
        known["state"] = State(value["state"])
        known["why"] = value.get("why") or ""
        return cls(**known)
