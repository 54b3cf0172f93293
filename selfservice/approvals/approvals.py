"""Approvals, as the rest of the program asks for them."""

from __future__ import annotations

from selfservice.accounts.models import Identity
from selfservice.approvals.asking import Asking
from selfservice.approvals.deciding import Deciding
from selfservice.approvals.desk import Desk
from selfservice.approvals.keeping_time import KeepingTime, Telling
from selfservice.approvals.reading import Reading
from selfservice.approvals.starting import Starting
from selfservice.audit.actions import Actor
from selfservice.commands.commands import Command
from selfservice.scope import Sight


class Approvals:
    """The requests of one node."""

    def __init__(self, desk: Desk, starting: Starting | None = None) -> None:
        """Keep them where `desk` says."""
        self._desk = desk
        self._starting = starting or Starting(desk)
        self.asking = Asking(desk, self._starting)
        self.deciding = Deciding(desk, self._starting)
        self.reading = Reading(desk)

    def seen_by(self, sight: Sight) -> Approvals:
        """The same for somebody: requests about what they do not see are not there."""
        return Approvals(self._desk.seen_by(sight), self._starting)

    def ask_command_as(self, sight: Sight, command: Command, actor: Actor, person: Identity, key: str) -> int:
        """The number of the request for a command, asked for by somebody who has this sight."""
        return self.seen_by(sight).asking.ask_command(command, actor, person, key).id

    def keeping_time(self, telling: Telling) -> KeepingTime:
        """What the executor's process does with them."""
        return KeepingTime(self._desk, self._starting, self.reading, telling)
