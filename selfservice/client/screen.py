"""What a run printed, as it comes: whole lines on standard output, its colours only in a terminal."""

from __future__ import annotations

import sys
from typing import TextIO

import click

from selfservice.runs.terminal_text import harmless

_RESET = "\x1b[0m"
#: A longer line is shown in parts, rather than kept back.
_LONGEST_LINE = 64 * 1024


class Screen:
    """Where the output of one run goes; nothing in it can act on the terminal."""

    def __init__(self, out: TextIO | None = None) -> None:
        """Write to `out`, by default standard output."""
        self._out = out or sys.stdout
        self._colours = self._out.isatty()
        self._kept = b""

    def write(self, content: bytes) -> None:
        """Show the whole lines; the rest of the last one waits for its end."""
        head, newline, self._kept = (self._kept + content).rpartition(b"\n")
        self._show(head + newline)
        if len(self._kept) > _LONGEST_LINE:
            self.finish()

    def finish(self) -> None:
        """Show what is left of a line that never ended."""
        rest, self._kept = self._kept, b""
        self._show(rest)

    def _show(self, content: bytes) -> None:
        lines = content.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
        # Of a progress bar, what a terminal would show in the end.
        text = "\n".join(harmless(line.rsplit("\r", 1)[-1], colours=self._colours) for line in lines)
        self._out.write(text + _RESET if "\x1b" in text else text)
        self._out.flush()


def say(sentence: str) -> None:
    """Tell the person something that is no output of the run: on standard error."""
    click.echo(harmless(sentence, colours=False), err=True)
