"""Where nodes hand over the results of tasks that answered later."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint

from selfservice.web.access import for_nodes
from selfservice.web.json_body import json_object
from selfservice.web.services import services

blueprint = APIBlueprint("receiving", __name__, url_prefix="/api/v1/nodes", enable_openapi=False)


@blueprint.post("/<name>/results")
@for_nodes
def result(name: str) -> dict[str, Any]:
    """Accepted once: the same result again is answered with `accepted: false`."""
    return {"accepted": services().calls.accept(name, json_object())}
