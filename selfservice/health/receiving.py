"""Where nodes say how they are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from apiflask import APIBlueprint

from selfservice.health.heartbeat import parse
from selfservice.web.access import current_node, for_nodes
from selfservice.web.json_body import json_object
from selfservice.web.services import services

blueprint = APIBlueprint("heartbeats", __name__, url_prefix="/api/v1/nodes", enable_openapi=False)

_MOST_TOLD = 4


@blueprint.post("/<name>/heartbeats")
@for_nodes
def beat(name: str) -> dict[str, Any]:
    """Keep it; the answer says by which tokens the master calls this node, as SHA-256 of each."""
    body, now = json_object(), datetime.now(UTC)
    services().health.latest.accept(name, parse(body, now), now)
    node = current_node()
    if node is None:
        return {}
    told = body.get("accepts")
    if isinstance(told, list):
        services().nodes.note_accepts(node, [str(each) for each in told[:_MOST_TOLD]])
    return {"accept": services().nodes.accepted_hashes(node), "time": now.isoformat(timespec="milliseconds")}
