"""Server-sent events as an answer."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from flask import Response, stream_with_context


def event_stream(events: Iterable[tuple[str, dict[str, Any]]]) -> Response:
    """Names and data of `events` on the wire (HTML standard, 9.2.6), such that no proxy keeps them back."""
    lines = (f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in events)
    answer = Response(stream_with_context(lines), mimetype="text/event-stream")
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Accel-Buffering"] = "no"
    return answer
