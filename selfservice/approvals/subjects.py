"""What a request can be about: an operation, or a plain command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from selfservice.accounts.models import Identity
from selfservice.accounts.permissions import Permission
from selfservice.audit.actions import Actor
from selfservice.commands.commands import Command, Commands
from selfservice.nodes.inventory import Inventory
from selfservice.operations import policy
from selfservice.operations.approval_policy import Approval, Step
from selfservice.operations.catalogue import Operation
from selfservice.operations.operations import Operations, Order
from selfservice.operations.policy import Person
from selfservice.runs.launching import Launch, WhenSameRuns
from selfservice.runs.run import RunRequest


@dataclass(frozen=True)
class Wish:
    """What somebody wants instead of revision number `revision`."""

    revision: int
    hosts: str
    #: Of an operation.
    variables: dict[str, Any] = field(default_factory=dict)
    #: Of a command.
    command: str = ""
    shell: bool = False
    become: bool = False


class Subject(Protocol):
    """What is asked for, beside its values."""

    @property
    def policy(self) -> Approval:
        """How long a request for it lives."""

    @property
    def previews(self) -> bool:
        """Whether there is something to run with --check."""

    @property
    def same_running(self) -> WhenSameRuns:
        """What to do where the same runs already."""

    @property
    def playbook(self) -> str:
        """Its playbook as of now; empty where there is none."""

    def may_run(self, person: Person) -> bool:
        """Whether it is for this person."""

    def steps(self, asked: RunRequest) -> tuple[Step, ...]:
        """The approvals it needs now."""

    def hosts_of(self, pattern: str) -> tuple[str, ...]:
        """The hosts that a pattern means now, all of them allowed. Raises BadInput, InventoryError, Forbidden."""

    def prepare(self, wish: Wish, old: RunRequest, kept: Mapping[str, Any], actor: Actor, asker: Identity) -> Launch:
        """The launch that `wish` means in place of `old`, whose secret values are `kept`; as for a launch, checked."""


@dataclass(frozen=True)
class OperationAsked:
    """An operation."""

    operation: Operation
    operations: Operations
    inventory: Inventory

    @property
    def policy(self) -> Approval:
        """As its sidecar says."""
        return self.operation.sidecar.approval or Approval()

    @property
    def previews(self) -> bool:
        """As its sidecar says."""
        return self.operation.sidecar.preview

    @property
    def same_running(self) -> WhenSameRuns:
        """As its sidecar says."""
        return self.operation.sidecar.same_running

    @property
    def playbook(self) -> str:
        """Its playbook."""
        return self.operation.playbook

    def may_run(self, person: Person) -> bool:
        """As its sidecar says."""
        return policy.may_run(self.operation, person)

    def steps(self, asked: RunRequest) -> tuple[Step, ...]:
        """Those of its sidecar and of the project."""
        return self.operations.approval_steps(self.operation, asked.project, asked.host_names)

    def hosts_of(self, pattern: str) -> tuple[str, ...]:
        """Those that its sidecar allows."""
        return policy.chosen_hosts(self.operation, pattern, self.inventory)

    def prepare(self, wish: Wish, old: RunRequest, kept: Mapping[str, Any], actor: Actor, asker: Identity) -> Launch:
        """The same operation with other values."""
        values = {**kept, **wish.variables}
        return self.operations.prepare(
            Order(self.operation.name, wish.hosts, values, project=old.project), actor, asker
        )


@dataclass(frozen=True)
class CommandAsked:
    """A plain command. Its preview reaches every host, and cannot say what the command would do there."""

    commands: Commands
    become: bool
    policy: Approval = field(default_factory=Approval)
    previews: bool = True
    same_running: WhenSameRuns = WhenSameRuns.ALLOW
    playbook: str = ""

    def may_run(self, person: Person) -> bool:
        """Whoever may run commands, and as root where it is one for root."""
        return person.may(Permission.COMMAND_LAUNCH) and (not self.become or person.may(Permission.COMMAND_BECOME))

    def steps(self, asked: RunRequest) -> tuple[Step, ...]:
        """Those of the strictest project of its hosts."""
        return self.commands.approval_steps(asked.host_names)

    def hosts_of(self, pattern: str) -> tuple[str, ...]:
        """Any."""
        return self.commands.match(pattern)

    def prepare(self, wish: Wish, old: RunRequest, kept: Mapping[str, Any], actor: Actor, asker: Identity) -> Launch:
        """Another command."""
        command = Command(wish.command, wish.hosts, shell=wish.shell, become=wish.become, project=old.project)
        return Launch(self.commands.check(command, may_become=asker.may(Permission.COMMAND_BECOME)), actor)
