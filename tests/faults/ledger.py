"""The ledger: what was asked and what was answered, on disk before and after each call."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path
from typing import Any


class Ledger:
    """One file of JSON lines; every line is durable when `write` returns."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._lock = threading.Lock()

    def write(self, **line: Any) -> None:
        """Append one line."""
        content = json.dumps({"at": round(time.time(), 3), **line}, separators=(",", ":")) + "\n"
        with self._lock:
            os.write(self._descriptor, content.encode())
            os.fsync(self._descriptor)
