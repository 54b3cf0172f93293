"""The JSON object of a request, whatever a stranger may have sent."""

from __future__ import annotations

import json
from typing import Any

from flask import request

from selfservice.errors import BadInput


def json_object() -> dict[str, Any]:
    """The JSON object that was sent. Raises BadInput."""
    try:
        body = json.loads(request.get_data())
    except (ValueError, RecursionError) as error:
        raise BadInput("Send a JSON object, with a depth that people can read.") from error
    if not isinstance(body, dict):
        raise BadInput("Send a JSON object.")
    return body
