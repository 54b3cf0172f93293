"""Ad-hoc commands: what may be typed, and the run it becomes."""

from __future__ import annotations

import copy
import shlex
from dataclasses import dataclass

from selfservice.accounts.permissions import Permission
from selfservice.audit.actions import Actor
from selfservice.errors import BadInput, Forbidden
from selfservice.nodes.inventory import Inventory
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
        return bound

    def possible_projects(self) -> list[str]:
        """The projects in which commands may be run, by name."""
        return self._choosing.possible(Permission.COMMAND_LAUNCH)

    def hosts_of(self, pattern: str) -> tuple[str, ...]:
        """The hosts that a pattern means now; the names in it where it means none (any more)."""
        return self._inventory.preview(pattern) or tuple(part.strip() for part in pattern.split(",") if part.strip())

    def launch(
        self, command: Command, actor: Actor, *, may_become: bool, key: str = "", schedule: str | None = None
    ) -> Run:
        """Queue the command as a run: once for each `key` that is not empty.

        Raises BadInput naming the field, Forbidden, and what `Runs.launch` raises.
        """
        request = self.check(command, may_become=may_become)
        return self._runs.launch(Launch(request, actor, key=key, schedule=schedule))

    def check(self, command: Command, *, may_become: bool) -> RunRequest:
        """What would be queued. Raises BadInput naming the field, Forbidden."""
        _check(command)
        if command.become and not may_become:
            raise Forbidden("Running as root needs the right “command:become”, which you do not have.")
        host_names = self._inventory.match(command.hosts)
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
