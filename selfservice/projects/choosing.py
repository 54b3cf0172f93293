"""In which project something runs: said, or plain from its hosts and operation."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

from selfservice.accounts.permissions import Permission
from selfservice.errors import BadInput, Forbidden
from selfservice.projects.models import CommandRule
from selfservice.projects.sights import Belongings
from selfservice.scope import EVERYTHING, Scope, Sight, sees


class Choosing:
    """Finds the project of whatever is to be started."""

    def __init__(self, belongings: Callable[[], Belongings] = Belongings) -> None:
        """Ask `belongings` at each choice which things belong where; there are no projects where it is left out."""
        self._belongings = belongings
        self._sight: Sight = EVERYTHING

    def seen_by(self, sight: Sight) -> Choosing:
        """The same for somebody: only projects in which they may start it are chosen."""
        bound = copy.copy(self)
        bound._sight = sight
        return bound

    def possible(self, permission: Permission, hosts: Sequence[str] = (), operation: str = "") -> list[str]:
        """The projects in which it may be started, by name: those that have all hosts, and the operation."""
        fit = _fitting(self._belongings(), hosts, operation)
        return sorted(each for each in fit if self._sight.may(permission, Scope(each)))

    def approvals(self, project: str, hosts: Sequence[str]) -> int:
        """How many people have to approve what runs in this project; in none, those of the strictest of its hosts."""
        belongings = self._belongings()
        return max((belongings.approvals.get(each, 0) for each in _concerned(belongings, project, hosts)), default=0)

    def command_approvals(self, hosts: Sequence[str]) -> int:
        """How many people have to approve a plain command on these hosts: whatever project it is run in, the
        strictest one of each host counts.

        Raises Forbidden where a project allows no commands on its hosts.
        """
        belongings = self._belongings()
        found = [0]
        for project in sorted(_concerned(belongings, "", hosts)):
            rule, steps = belongings.commands.get(project, CommandRule.AS_OPERATIONS), belongings.approvals[project]
            if rule is CommandRule.REFUSED:
                named = f"the project {project}" if sees(self._sight, Scope(project)) else "a project of theirs"
                raise Forbidden(f"Plain commands are not allowed on these hosts by {named}; use an operation.")
            if rule is CommandRule.AS_OPERATIONS:
                found.append(steps)
            elif rule is CommandRule.APPROVAL:
                found.append(max(steps, 1))
        return max(found)

    def choose(self, permission: Permission, hosts: Sequence[str], operation: str = "", asked: str = "") -> str:
        """The name of the project in which to start it; empty for none.

        Raises BadInput for the field `project` where it cannot be `asked`, or has to be said because there are
        several, and Forbidden where it may not be started on these hosts.
        """
        if asked:
            return self._asked(permission, hosts, operation, asked)
        possible = self.possible(permission, hosts, operation)
        if len(possible) > 1:
            raise BadInput(f"These hosts belong to several projects: choose one of {', '.join(possible)}.", "project")
        if possible:
            return possible[0]
        if not self._sight.may(permission, Scope(hosts=tuple(hosts), operation=operation)):
            raise Forbidden("You may look at these hosts, but not start this on them: that needs the access “write”.")
        return ""

    def _asked(self, permission: Permission, hosts: Sequence[str], operation: str, asked: str) -> str:
        belongings = self._belongings()
        if asked not in belongings.operations or not sees(self._sight, Scope(asked)):
            raise BadInput(f"There is no project called {asked[:80]} (any more).", "project")
        if not self._sight.may(permission, Scope(asked)):
            raise Forbidden(f"You may look at the project {asked}, but start nothing in it: that needs “write”.")
        outside = [host for host in hosts if asked not in belongings.of_host(host)]
        if outside:
            raise BadInput(f"{', '.join(outside[:5])} does not belong to the project {asked}.", "hosts")
        if asked not in _fitting(belongings, hosts, operation):
            raise BadInput(f"The operation {operation} does not belong to the project {asked}.", "project")
        return asked


def _concerned(belongings: Belongings, project: str, hosts: Sequence[str]) -> set[str]:
    return {project} if project else {each for host in hosts for each in belongings.of_host(host)}


def _fitting(belongings: Belongings, hosts: Sequence[str], operation: str) -> set[str]:
    found = set(belongings.operations)  # every project has an entry there
    for host in hosts:
        found &= belongings.of_host(host)
    if operation and (owners := belongings.of_operation(operation)):
        found &= owners
    return found
