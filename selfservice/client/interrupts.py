"""Ctrl+C at a moment that suits: never between showing something and remembering that it was shown."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupts:
    """The Ctrl+C of this process, while it is entered as a context."""

    def __init__(self) -> None:
        """Change nothing yet."""
        self._holding = False
        self._waiting = False

    def __enter__(self) -> Interrupts:
        """Take Ctrl+C over."""
        self._before = signal.signal(signal.SIGINT, self._come)
        return self

    def __exit__(self, *_: object) -> None:
        """Give it back."""
        signal.signal(signal.SIGINT, self._before)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Raise a KeyboardInterrupt at the end of this context and not in it; a second one is raised at once."""
        self._holding = True
        try:
            yield
        finally:
            self._holding = False
        if self._waiting:
            self._waiting = False
            raise KeyboardInterrupt

    def _come(self, _signal: int, _frame: FrameType | None) -> None:
        if self._holding and not self._waiting:
            self._waiting = True
            return
        self._waiting = False
        raise KeyboardInterrupt
