"""Whether anybody uses this node: for them runs are kept ready to begin at once."""

from __future__ import annotations

import math
import time
from contextlib import suppress

from selfservice.settings import Settings

_NOTED_EACH_SECONDS = 30
_STAYS_SECONDS = 300


class Presence:
    """When somebody last asked this node for anything, in a file that all its processes see."""

    def __init__(self, settings: Settings) -> None:
        """Nothing is noted yet."""
        self._path = settings.instance / "cache" / "last_used"
        self._noted_at = -math.inf

    def note(self) -> None:
        """Somebody is there. Quick: most calls touch no disk."""
        if time.monotonic() - self._noted_at < _NOTED_EACH_SECONDS:
            return
        self._noted_at = time.monotonic()
        with suppress(OSError):  # a full disk: their runs only begin a little later
            self._path.touch(mode=0o600)

    def is_somebody_there(self) -> bool:
        """Whether that was within the last five minutes."""
        try:
            return time.time() - self._path.stat().st_mtime < _STAYS_SECONDS
        except FileNotFoundError:
            return False
