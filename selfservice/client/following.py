"""Following a run: its output as it comes, over lost connections, up to its end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from selfservice.client.connection import Connection, ConnectionLost
from selfservice.client.interrupts import Interrupts
from selfservice.client.screen import Screen, say

_BLOCK = 1024 * 1024
#: How long to wait before each new try; with the last one over, about five minutes, it is given up.
_WAITS = (0.5, 1, 2, 5, *(10 for _ in range(30)))

#: What `run`, `command` and `logs -f` end with; docs/cli.md tells people.
EXIT_CODES = {"successful": 0, "lost": 1, "failed": 2, "timed_out": 124, "canceled": 130}
_UNREACHABLE = 4


class Follower:
    """One reader of one run, that remembers what it has shown."""

    def __init__(
        self,
        connection: Connection,
        run_id: str,
        screen: Screen,
        interrupts: Interrupts,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Show the run `run_id` on `screen`."""
        self._connection = connection
        self._run_id = run_id
        self._screen = screen
        self._interrupts = interrupts
        self._sleep = sleep
        self._shown = 0
        self._tries = 0

    def go_on(self) -> None:
        """Show what is new until the run has ended; may be called again after a KeyboardInterrupt.

        Raises Refused, and ConnectionLost where the dashboard stays away.
        """
        while True:
            try:
                if self._listen():
                    return
            except ConnectionLost as error:
                self._wait(error)
            else:
                self._wait(ConnectionLost(f"{self._connection.dashboard.url} ends the stream again and again."))

    def show(self) -> None:
        """Show what the run has printed so far."""
        size = self._shown + 1
        while self._shown < size:
            content, size = self._connection.output(self._run_id, self._shown, _BLOCK)
            if not content:
                return
            with self._interrupts.held():
                self._screen.write(content)
                self._shown += len(content)

    def _listen(self) -> bool:
        """Whether the run has ended; not so where only the stream did."""
        for name, data in self._connection.events(f"/runs/{self._run_id}/stream"):
            if self._tries > 1:
                say("The connection is back.")
            self._tries = 0
            if name == "output" and data["size"] > self._shown:
                self.show()
            elif name == "state" and data["position"]:
                say(f"Queued; {data['position']} before it.")
            elif name == "end":
                self.show()
                self._screen.finish()
                return True
        return False

    def _wait(self, error: ConnectionLost) -> None:
        if self._tries == len(_WAITS):
            raise ConnectionLost(f"{error.sentence} The run goes on; `selfservice logs -f {self._run_id}` follows it.")
        if self._tries == 1:
            say(f"{error.sentence} Trying again; the run goes on meanwhile.")
        self._sleep(_WAITS[self._tries])
        self._tries += 1


def exit_code(run: dict[str, Any]) -> int:
    """What a command ends with for this run, as `GET /runs/<id>` shows it."""
    if run["state"] == "failed" and run["rc"] == _UNREACHABLE:
        return _UNREACHABLE
    return EXIT_CODES.get(run["state"], 1)
