"""Starting what a schedule asks for, as its owner."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from selfservice.accounts.accounts import Accounts
from selfservice.accounts.models import Identity
from selfservice.accounts.permissions import Permission
from selfservice.audit.actions import Actor
from selfservice.commands.commands import Command, Commands
from selfservice.errors import ApplicationError, BadInput, Forbidden
from selfservice.operations.operations import ApprovalNeeded, Operations, Order
from selfservice.projects.sights import Sights
from selfservice.runs.run import Run
from selfservice.schedules.models import Schedule
from selfservice.scope import EVERYTHING, Scope, Sight

#: Makes the request for a command that needs approval, as somebody with this sight; gives its number.
AskCommand = Callable[[Sight, Command, Actor, Identity, str], int]


class Asked(ApplicationError):
    """It needs approval, so it is asked for instead of started."""

    status = 409
    problem_type = "asked"
    title = "It waits for approval"

    def __init__(self, number: int) -> None:
        """Request `number` was made, or waits since earlier."""
        super().__init__(f"It needs approval: request {number} waits for it.")
        self.number = number


class Launcher:
    """Launches commands and operations for schedules."""

    def __init__(
        self,
        accounts: Accounts,
        operations: Operations,
        commands: Commands,
        sights: Sights | None = None,
        ask_command: AskCommand | None = None,
    ) -> None:
        """Act for people of `accounts`, each with what `sights` says they see; without it, everything.

        Commands that need approval are asked for by `ask_command`; without it, they are refused.
        """
        self._accounts = accounts
        self._operations = operations
        self._commands = commands
        self._sights = sights
        self._ask_command = ask_command

    def scope_of(self, schedule: Schedule) -> Scope:
        """What it is about, for whoever decides who sees it."""
        return Scope(schedule.project, self._commands.hosts_of(schedule.hosts), schedule.operation)

    def check(self, schedule: Schedule) -> None:
        """Raise what a launch would raise: BadInput naming the field, OperationNotFound, Forbidden."""
        person = self._owner(schedule)
        if not schedule.operation:
            commands = self._commands.seen_by(self._sight(person))
            commands.check(_command(schedule), may_become=person.may(Permission.COMMAND_BECOME))
            return
        operations = self._operations.seen_by(self._sight(person))
        operation = operations.get(schedule.operation, person)
        secret = [option.name for option in operation.options if option.secret and option.name in schedule.variables]
        if secret:
            raise BadInput(f"“{secret[0]}” is secret, and a schedule cannot keep a secret.", "variables")
        operations.check(_order(schedule), person)

    def launch(self, schedule: Schedule, due: datetime) -> Run:
        """Start it for the time `due`: once, however often this is called. Raises what a launch raises, and Asked."""
        person = self._owner(schedule)
        actor = Actor(person.name, "schedule", "local")
        return self._launch(schedule, person, actor, f"schedule:{schedule.id}:{due.isoformat()}")

    def launch_now(self, schedule: Schedule, actor: Actor, person: Identity) -> Run:
        """Start it because `person` wants it now. Raises what a launch raises, and Asked."""
        return self._launch(schedule, person, actor, "")

    def _launch(self, schedule: Schedule, person: Identity, actor: Actor, key: str) -> Run:
        mark, sight = str(schedule.id), self._sight(person)
        if schedule.operation:
            return self._operations.seen_by(sight).launch(_order(schedule, key=key, mark=mark), actor, person)
        command, may_become = _command(schedule), person.may(Permission.COMMAND_BECOME)
        try:
            return self._commands.seen_by(sight).launch(command, actor, may_become=may_become, key=key, schedule=mark)
        except ApprovalNeeded:
            if self._ask_command is None:
                raise
            raise Asked(self._ask_command(sight, command, actor, person, key)) from None

    def _sight(self, person: Identity) -> Sight:
        return self._sights.of(person) if self._sights else EVERYTHING

    def _owner(self, schedule: Schedule) -> Identity:
        known = self._accounts.tokens.find if schedule.owner_via == "token" else self._accounts.find
        person: Identity | None = known(schedule.owner)
        if person is None or not person.active:
            raise Forbidden(f"{schedule.owner}, whose schedule this is, has no account (any more).")
        needed = Permission.OPERATION_LAUNCH if schedule.operation else Permission.COMMAND_LAUNCH
        if not person.may(needed):
            raise Forbidden(f"{schedule.owner}, whose schedule this is, has no right “{needed}” (any more).")
        return person


def _order(schedule: Schedule, key: str = "", mark: str | None = None) -> Order:
    return Order(
        schedule.operation, schedule.hosts, schedule.variables, key=key, schedule=mark, project=schedule.project
    )


def _command(schedule: Schedule) -> Command:
    return Command(
        schedule.command, schedule.hosts, shell=schedule.shell, become=schedule.become, project=schedule.project
    )
