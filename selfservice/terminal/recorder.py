"""What Ansible says of itself in a terminal, put together as a recording."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TextIO

from selfservice.runs import processes
from selfservice.runs.redaction import Veil
from selfservice.runs.run import State
from selfservice.settings import Settings
from selfservice.terminal import asked
from selfservice.terminal.asked import Asked
from selfservice.terminal.events import EventMaker
from selfservice.terminal.process_end import ProcessEnd
from selfservice.terminal.recording import NotRecorded, Recording


class Recorder:
    """Follows one ansible-playbook process; the recording begins with the first play.

    What goes wrong with recording is told once, and never reaches Ansible.
    """

    def __init__(self, settings: Settings, options: Mapping[str, Any], warn: Callable[[str], None]) -> None:
        """Follow a playbook with these command line options; `warn` is told why there is no recording."""
        self._settings = settings
        self._options = options
        self._warn = warn
        self._pid = os.getpid()
        self.events = EventMaker()
        self._recording: Recording | None = None
        self._playbook: Asked | None = None
        #: What came before the first play.
        self._early_output: list[str] = []
        self._early_events: list[dict[str, Any]] = []
        self._lines = 0
        self._lines_told = 0
        self._patterns: dict[str, None] = {}
        self._host_names: dict[str, None] = {}
        self._ended_early: tuple[State, str] | None = None
        self._broken = ""
        self._over = False
        for stream in (sys.stdout, sys.stderr):
            self._listen(stream)

    def lines(self) -> tuple[int, int]:
        """The lines printed since the last event: first, and the one behind the last."""
        begin, self._lines_told = self._lines_told, self._lines
        return begin, self._lines

    def playbook_started(self, playbook: Any) -> None:
        """A playbook was read without a mistake and begins; the first one of a command line names the run."""
        path = Path(playbook._file_name)
        if self._playbook is None:
            self._playbook = Asked(path, playbook.get_plays(), self._options)
            ProcessEnd(self._told_to_end, self._ended)
        self.add(self.events.playbook_started(str(path), self.lines()))

    def play_started(self, play: Any) -> None:
        """A play begins on these hosts."""
        inventory = play.get_variable_manager()._inventory
        self._patterns[asked.pattern(play)] = None
        for host in inventory.get_hosts(play.hosts, ignore_restrictions=True):
            self._host_names[host.get_name()] = None
        if self._recording is None:
            self._begin()
        else:
            self._recording.know_more(self._hosts(), tuple(self._host_names))
        self.add(self.events.play_started(play, asked.pattern(play), self.lines()))

    def add(self, event: dict[str, Any]) -> None:
        """Keep an event."""
        if self._over or self._broken:
            return
        if self._recording:
            self._recording.add_event(event)
        else:
            self._early_events.append(event)

    def give_up(self, why: str) -> None:
        """Record no more, and say so once."""
        if not self._broken:
            self._broken = why
            self._warn(why)

    @property
    def given_up(self) -> bool:
        """Whether nothing more will be recorded."""
        return bool(self._broken)

    def _hosts(self) -> str:
        return str(self._options.get("subset") or ",".join(self._patterns))

    def _begin(self) -> None:
        if self._playbook is None or self._broken:
            return
        extra = asked.extra_variables(self._settings, self._playbook)
        request = asked.request(self._settings, self._playbook, extra, self._hosts(), tuple(self._host_names))
        words = asked.command(sys.argv, self._options, has_secrets=bool(extra.secrets))
        try:
            self._recording = Recording(self._settings, request, words, Veil(extra.secrets), self._disk_failed)
        except NotRecorded as error:
            self.give_up(error.sentence)
            return
        # Carried by everything that this run starts from now on: it can be found and ended.
        os.environ[processes.RUN_ID_VARIABLE] = self._recording.run.id
        for text in self._early_output:
            self._recording.add_output(text)
        for event in self._early_events:
            self._recording.add_event(event)

    def _listen(self, stream: TextIO) -> None:
        write = stream.write

        def write_and_keep(text: str) -> int:
            count = write(text)
            if os.getpid() == self._pid:
                self._printed(text)
            return count

        stream.write = write_and_keep  # type: ignore[method-assign]

    def _printed(self, text: str) -> None:
        if self._over or self._broken:
            return
        self._lines += text.count("\n")
        if self._recording:
            self._recording.add_output(text)
        else:
            self._early_output.append(text)

    def _disk_failed(self, error: OSError) -> None:
        self.give_up(f"its files cannot be written any more ({error.strerror or error}).")

    def _told_to_end(self, number: signal.Signals) -> None:
        if self._recording is None or self._over:
            return
        name = self._recording.run.actor.name
        if number is signal.SIGINT:  # Ansible now ends by itself
            self._ended_early = (State.CANCELED, f"Interrupted by {name} in the terminal.")
            return
        if by := self._recording.canceled_by():
            self._ended_early = (State.CANCELED, f"Canceled by {by}.")
        elif number is signal.SIGHUP:
            self._ended_early = (State.CANCELED, f"The terminal of {name} was closed.")
        else:
            self._ended_early = (State.FAILED, "The run's process was told to end by the system.")
        processes.end_run(self._recording.run.id, self._settings.cancel_grace)
        self._ended(None)

    def _ended(self, code: int | None) -> None:
        if os.getpid() != self._pid or self._over:
            return
        if self._recording is None:  # ended before its first play, as with a mistake in a host pattern
            self._begin()
        self._over = True
        if self._recording is None:
            return
        try:
            self._recording.end(code, self._ended_early, self._broken)
        except OSError as error:
            self._disk_failed(error)
