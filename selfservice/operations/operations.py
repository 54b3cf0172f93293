"""Operations, as the rest of the program asks for them: look at them, start one."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from selfservice.accounts.permissions import Permission
from selfservice.audit.actions import Actor
from selfservice.errors import ApplicationError
from selfservice.files.sources import Sources
from selfservice.nodes.inventory import Inventory
from selfservice.operations import policy, values
from selfservice.operations.approval_policy import Step
from selfservice.operations.catalogue import Catalogue, Operation, OperationNotFound
from selfservice.operations.choices import Choices
from selfservice.operations.policy import Person
from selfservice.operations.sourced import SourcedCatalogue
from selfservice.projects.choosing import Choosing
from selfservice.runs.launching import Launch
from selfservice.runs.run import Run, RunKind, RunRequest
from selfservice.runs.runs import Runs
from selfservice.scope import EVERYTHING, Scope, Sight, sees
from selfservice.settings import Settings


class OperationBroken(ApplicationError):
    """The files of an operation have a mistake, so it cannot be started."""

    status = 409
    problem_type = "operation-broken"
    title = "This operation has a mistake in its files"


class ApprovalNeeded(ApplicationError):
    """The operation runs only after others have approved it."""

    status = 409
    problem_type = "approval-needed"
    title = "This needs approval"


class NoPreview(ApplicationError):
    """The operation says of itself that it cannot be run with --check."""

    status = 422
    problem_type = "no-preview"
    title = "There is no preview of this operation"


@dataclass(frozen=True)
class Order:
    """What a person asks for."""

    operation: str
    hosts: str
    variables: dict[str, Any] = field(default_factory=dict)
    #: Only say what would change.
    check: bool = False
    #: Start it although the same is running.
    force: bool = False
    key: str = ""
    again_of: str | None = None
    schedule: str | None = None
    #: The project to run it in; where it is empty, the hosts and the operation say it.
    project: str = ""


class Operations:
    """The operations of one node."""

    def __init__(
        self,
        settings: Settings,
        inventory: Inventory,
        runs: Runs,
        sources: Sources | None = None,
        choosing: Choosing | None = None,
    ) -> None:
        """Read playbooks below `settings.playbooks` and of `sources`, queue in `runs`, in projects of `choosing`."""
        own = Catalogue(settings.playbooks, settings.instance / "cache" / "playbooks.json")
        self.catalogue = SourcedCatalogue(own, sources, settings.instance / "cache")
        self.choices = Choices(settings.playbooks, inventory)
        self._inventory = inventory
        self._runs = runs
        self._timeout = settings.run_timeout
        self._choosing = choosing or Choosing()
        self._sight: Sight = EVERYTHING

    def seen_by(self, sight: Sight) -> Operations:
        """The same for somebody: operations, hosts and choices that they do not see are not there."""
        bound = copy.copy(self)
        bound._sight = sight
        bound._inventory, bound._choosing = self._inventory.seen_by(sight), self._choosing.seen_by(sight)
        bound.choices = self.choices.seen_by(sight)
        return bound

    def possible_projects(self, operation: Operation) -> list[str]:
        """The projects in which it may be started, by name."""
        return self._choosing.possible(Permission.OPERATION_ASK, operation=operation.name)

    def visible(self, person: Person) -> list[Operation]:
        """The operations that are for this person, by title."""
        return [each for each in self.catalogue.all() if policy.may_run(each, person) and self._sees(each)]

    def get(self, name: str, person: Person) -> Operation:
        """The operation called `name`. Raises OperationNotFound also where it is not for this person."""
        operation = self.catalogue.get(name)
        if not policy.may_run(operation, person) or not self._sees(operation):
            raise OperationNotFound(f"There is no operation “{name}” for {person.name}.")
        return operation

    def allowed_hosts(self, operation: Operation) -> tuple[str, ...]:
        """The hosts that the operation may run on. Raises InventoryError, PatternError."""
        return policy.allowed_hosts(operation, self._inventory)

    def _sees(self, operation: Operation) -> bool:
        return sees(self._sight, Scope(operation=operation.name))

    def check(self, order: Order, person: Person) -> None:
        """Raise what `launch` would raise, and start nothing."""
        self._approved(order, Actor(person.name, "session", "local"), person)

    def launch(self, order: Order, actor: Actor, person: Person) -> Run:
        """Queue the operation as a run.

        Raises OperationNotFound, OperationBroken, NoPreview, ApprovalNeeded, BadInput naming the field, Forbidden,
        and what `Runs.launch` raises.
        """
        return self._runs.launch(self._approved(order, actor, person))

    def _approved(self, order: Order, actor: Actor, person: Person) -> Launch:
        launch = self.prepare(order, actor, person)
        operation, request = self.get(order.operation, person), launch.request
        if not order.check and self.approval_steps(operation, request.project, request.host_names):
            raise ApprovalNeeded(
                f"“{launch.request.title}” runs only after somebody else has approved it: ask for it on its page."
            )
        return launch

    def approval_steps(self, operation: Operation, project: str, hosts: Sequence[str] = ()) -> tuple[Step, ...]:
        """The approvals that are needed before it runs in `project`: its own, and as many as the project wants.

        In no project, as many as the strictest project of these hosts wants.
        """
        own = operation.sidecar.approval.steps if operation.sidecar.approval else ()
        return own + (Step(),) * (self._choosing.approvals(project, hosts) - len(own))

    def prepare(self, order: Order, actor: Actor, person: Person) -> Launch:
        """The launch that `order` means, checked, with nothing started: whoever starts it sees to its approval.

        Raises what `launch` raises but ApprovalNeeded.
        """
        operation = self.get(order.operation, person)
        if not operation.launchable:
            raise OperationBroken(f"“{operation.title}” cannot be started: {operation.problems[0]}")
        if order.check and not operation.sidecar.preview:
            raise NoPreview(f"“{operation.title}” cannot tell beforehand what it would change.")
        host_names = policy.chosen_hosts(operation, order.hosts, self._inventory)
        checked = values.check(operation, order.variables, self.choices)
        timeout = operation.sidecar.timeout
        project = self._choosing.choose(Permission.OPERATION_ASK, host_names, operation.name, order.project)
        sourced = self._inventory.sourced(host_names)
        request = RunRequest(
            RunKind.PLAYBOOK,
            hosts=order.hosts.strip(),
            host_names=host_names,
            playbook=operation.playbook,
            operation=operation.name,
            label=operation.title,
            check=order.check,
            variables=checked.variables,
            secret_names=tuple(sorted(checked.secrets)),
            project=project,
            timeout=self._timeout if timeout is None else timeout,
            sources={**operation.source, **{each.repository: each.commit for each in sourced}},
            inventories=tuple(str(each.path) for each in sourced),
        )
        return Launch(
            request,
            actor,
            again_of=order.again_of,
            schedule=order.schedule,
            secrets=checked.secrets,
            when_same_runs=operation.sidecar.same_running,
            force=order.force,
            key=order.key,
        )
