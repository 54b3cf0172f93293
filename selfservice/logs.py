"""Logging: one line an event with time, level, node, request id and run id; text or JSON."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable
from contextvars import ContextVar

from selfservice.settings import Settings

#: Set by the web for the time of one request.
request_id: ContextVar[str] = ContextVar("request_id", default="-")

_ROTATE_BYTES = 10 * 1024 * 1024
_ROTATED_FILES = 5
#: Libraries that say more than is of use here, and from where on it is. APScheduler warns of each turn that is left out
#: because the one before still goes on: that is how it is meant.
_LOUD = {
    "alembic": logging.WARNING, "urllib3": logging.WARNING, "asyncio": logging.WARNING, "apscheduler": logging.ERROR,
}  # fmt: skip


class _Context(logging.Filter):
    """Adds node, request id and run id to every record."""

    def __init__(self, node: str, run_id: str) -> None:
        super().__init__()
        self._node = node
        self._run_id = run_id

    def filter(self, record: logging.LogRecord) -> bool:
        record.node = self._node
        record.request_id = request_id.get()
        record.run_id = getattr(record, "run_id", self._run_id)
        return True


class OneLine(logging.Formatter):
    """Readable text, one line an event: line breaks and control characters in messages are escaped."""

    converter = staticmethod(time.gmtime)

    def __init__(self) -> None:
        """Set the layout."""
        super().__init__(
            "%(asctime)s.%(msecs)03dZ %(levelname)s %(node)s request=%(request_id)s run=%(run_id)s"
            " %(name)s: %(message)s",
            "%Y-%m-%dT%H:%M:%S",
        )

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line; an exception's lines are joined."""
        text = super().format(record)
        return "".join(c if c.isprintable() else _escaped(c) for c in text)


class JsonLine(OneLine):
    """One JSON object a line, for log collectors."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON."""
        value = {
            "time": f"{self.formatTime(record, self.datefmt)}.{int(record.msecs):03d}Z",
            "level": record.levelname,
            "node": getattr(record, "node", "-"),
            "request_id": getattr(record, "request_id", "-"),
            "run_id": getattr(record, "run_id", "-"),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            value["exception"] = self.formatException(record.exc_info)
        return json.dumps(value, ensure_ascii=False)


def configure(settings: Settings, *, run_id: str = "-") -> None:
    """Send all logging of this process where the settings say. Safe to call again."""
    handler: logging.Handler
    handler = _rotating(settings.log_file) if settings.log_file else logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLine() if settings.log_format == "json" else OneLine())
    handler.addFilter(_Context(settings.node_name, run_id))
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    root.setLevel(logging.DEBUG if settings.debug else logging.INFO)
    for name, level in _LOUD.items():
        logging.getLogger(name).setLevel(level)


class _Veiled(logging.Formatter):
    """Another formatter, and nothing of what is secret in what it makes."""

    def __init__(self, formatter: logging.Formatter, hidden: Callable[[str], str]) -> None:
        super().__init__()
        self._formatter = formatter
        self._hidden = hidden

    def format(self, record: logging.LogRecord) -> str:
        return self._hidden(self._formatter.format(record))


def hide(hidden: Callable[[str], str]) -> None:
    """From now on, log what `hidden` makes of each line."""
    for handler in logging.getLogger().handlers:
        handler.setFormatter(_Veiled(handler.formatter or OneLine(), hidden))


def _rotating(path: str) -> logging.Handler:
    from concurrent_log_handler import ConcurrentRotatingFileHandler  # where it is used, for its import time

    return ConcurrentRotatingFileHandler(path, maxBytes=_ROTATE_BYTES, backupCount=_ROTATED_FILES, encoding="utf-8")


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
