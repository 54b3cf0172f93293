"""Telling the master how this node is, again and again."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from selfservice.clockwork import Clockwork
from selfservice.errors import ApplicationError
from selfservice.health import sample
from selfservice.nodes.master import Master

log = logging.getLogger(__name__)

#: What a heartbeat says beside how the machine is.
More = Callable[[], dict[str, Any]]
#: Told by which tokens the master calls this node, as SHA-256 of each.
Accept = Callable[[list[str]], None]


class Beating:
    """The heartbeats of one node."""

    def __init__(self, master: Master, more: More, accept: Accept = lambda _hashes: None) -> None:
        """Nothing is sent; a master does not `accept`: it is called with its own token."""
        self._master = master
        self._more = more
        self._accept = accept
        self._silent = False

    def go_by(self, clock: Clockwork, seconds: int) -> None:
        """Send one every so many seconds, and the first one now."""
        clock.every(seconds, self.beat, jitter=max(1, seconds // 5))
        clock.add_job(self.beat)

    def beat(self) -> None:
        """Send one heartbeat, and learn by which tokens this node is called."""
        try:
            said = self._master.beat({**sample.take(), **self._more()})
            self._accept([str(each) for each in said.get("accept", ())])
        except (ApplicationError, OSError) as error:
            self._tell_once(str(error))
            return
        if self._silent:
            log.info("The master hears this node again.")
        self._silent = False

    def _tell_once(self, why: str) -> None:
        if not self._silent:
            log.warning("The master does not hear this node: %s", why)
        self._silent = True
