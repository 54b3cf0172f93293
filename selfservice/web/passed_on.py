"""The answer of another node, handed on to whoever asked this one."""

from __future__ import annotations

from flask import Response

from selfservice.nodes.http import Answer

_HEADERS = ("Content-Type", "Location", "Retry-After")


def passed_on(answer: Answer) -> Response:
    """The same status and content, without the headers that belong to the other connection."""
    headers = {name: answer.headers[name] for name in _HEADERS if name in answer.headers}
    return Response(answer.body, answer.status, headers)
