"""Ad-hoc commands: what may be typed, and the run it becomes."""

from __future__ import annotations

import copy
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from selfservice.accounts.permissions import Permission
from selfservice.audit.actions import Actor
from selfservice.errors import BadInput, Forbidden
from selfservice.nodes.inventory import Inventory
from selfservice.operations.approval_policy import Step
from selfservice.operations.operations import ApprovalNeeded
from selfservice.projects.choosing import Choosing
from selfservice.runs.launching import Launch
from selfservice.runs.run import Run, RunKind, RunRequest
from selfservice.runs.runs import Runs
from selfservice.scope import Sight

LONGEST_COMMAND = 8192


@dataclass(frozen=True)
class Command:
    """What a person asks for."""

    command: str
    hosts: str
    shell: bool = False
    become: bool = False
    #: The project to run it in; where it is empty, the hosts say it.
    project: str = ""


class Commands:
    """Turns commands into runs."""

    def __init__(self, inventory: Inventory, runs: Runs, timeout: int, choosing: Choosing | None = None) -> None:
        """Match hosts in `inventory`, queue in `runs` with `timeout` seconds each, in projects of `choosing`."""
        self._inventory = inventory
        self._runs = runs
        self._timeout = timeout
        self._choosing = choosing or Choosing()

    def seen_by(self, sight: Sight) -> Commands:
        """The same for somebody: on hosts that they see, in projects in which they may run it."""
        bound = copy.copy(self)
        bound._inventory, bound._choosing = self._inventory.seen_by(sight), self._choosing.seen_by(sight)
        bound._runs = self._runs.seen_by(sight)
        return bound

    def possible_projects(self) -> list[str]:
        """The projects in which commands may be run, by name."""
        return self._choosing.possible(Permission.COMMAND_LAUNCH)

    def hosts_of(self, pattern: str) -> tuple[str, ...]:
        """The hosts that a pattern means now; the names in it where it means none (any more)."""
        return self._inventory.preview(pattern) or tuple(part.strip() for part in pattern.split(",") if part.strip())

    def match(self, pattern: str) -> tuple[str, ...]:
        """The hosts that a pattern means now. Raises PatternError, InventoryError."""
        return self._inventory.match(pattern)

    def launch(
        self, command: Command, actor: Actor, *, may_become: bool, key: str = "", schedule: str | None = None
    ) -> Run:
        """Queue the command as a run: once for each `key` that is not empty.

        Raises BadInput naming the field, Forbidden, ApprovalNeeded, and what `Runs.launch` raises.
        """
        request = self.check(command, may_become=may_become)
        self._refuse_unapproved(request)
        return self._runs.launch(Launch(request, actor, key=key, schedule=schedule))

    def again(self, run_id: str, actor: Actor, *, only_failed: bool, may_become: bool) -> Run:
        """Queue the command of a run once more, as it was, on its hosts or where it failed.

        Raises what `launch` and `Runs.to_repeat` raise.
        """
        request = self._runs.to_repeat(run_id, only_failed=only_failed)
        if request.become and not may_become:
            raise Forbidden("This run becomes another user on its hosts, for which you have no right.")
        self._refuse_unapproved(request)
        return self._runs.launch(Launch(request, actor, again_of=run_id))

    def approval_steps(self, host_names: Sequence[str]) -> tuple[Step, ...]:
        """The approvals that are needed before a command runs on these hosts. Raises Forbidden."""
        return (Step(),) * self._choosing.command_approvals(host_names)

    def _refuse_unapproved(self, request: RunRequest) -> None:
        if self.approval_steps(request.host_names):
            raise ApprovalNeeded("Commands run on these hosts only after somebody else has approved them.")

    def check(self, command: Command, *, may_become: bool) -> RunRequest:
        """What would be queued. Raises BadInput naming the field, Forbidden."""
        _check(command)
        if command.become and not may_become:
            raise Forbidden("Running as root needs the right “command:become”, which you do not have.")
        host_names = self._inventory.match(command.hosts)
        self.approval_steps(host_names)  # refuses where a project allows none
        sourced = self._inventory.sourced(host_names)
        return RunRequest(
            RunKind.COMMAND,
            hosts=command.hosts.strip(),
            host_names=host_names,
            project=self._choosing.choose(Permission.COMMAND_LAUNCH, host_names, asked=command.project),
            sources={each.repository: each.commit for each in sourced},
            inventories=tuple(str(each.path) for each in sourced),
            command=command.command.strip(),
            shell=command.shell,
            become=command.become,
            timeout=self._timeout,
        )


def command_of(request: RunRequest) -> Command:
    """The command that a run was asked for."""
    return Command(request.command, request.hosts, shell=request.shell, become=request.become, project=request.project)


def _check(command: Command) -> None:
    text = command.command.strip()
    if not text:
        raise BadInput("Type a command, such as df -h /.", "command")
    if len(text.encode("utf-8", "surrogatepass")) > LONGEST_COMMAND:
        raise BadInput(f"The command is longer than {LONGEST_COMMAND} bytes; put it into a script.", "command")
    if "\0" in text:
        raise BadInput("A command cannot contain a NUL character.", "command")
    if command.shell:
        return
    if "\n" in text:
        raise BadInput("Several lines need a shell: choose it below, or write one line.", "command")
    try:
        shlex.split(text)
    except ValueError:
        raise BadInput("A quotation mark is not closed.", "command") from None
