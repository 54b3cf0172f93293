"""JSON routes of nodes: list, add, shut out."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint

from selfservice.accounts.permissions import Permission
from selfservice.nodes.models import Node
from selfservice.web.access import current_actor, requires
from selfservice.web.json_body import json_object
from selfservice.web.services import services

blueprint = APIBlueprint("nodes_api", __name__, url_prefix="/api/v1", tag="Nodes")


@blueprint.get("/nodes")
@requires(Permission.NODE_READ)
@blueprint.doc(summary="List nodes")
def index() -> dict[str, Any]:
    """Every node, this one first; never a token."""
    return {"nodes": [_shown(node) for node in services().nodes.all()]}


@blueprint.post("/nodes")
@requires(Permission.NODE_EDIT)
@blueprint.doc(summary="Add a worker", responses={422: "The name is taken, or the address cannot be used"})
def add() -> tuple[dict[str, Any], int]:
    """`{"name", "address"}`; the answer has its token, which is never shown again."""
    body = json_object()
    node, token = services().nodes.add(str(body.get("name", "")), str(body.get("address", "")), current_actor())
    return {**_shown(node), "token": token}, 201


@blueprint.post("/nodes/<name>/token")
@requires(Permission.NODE_EDIT)
@blueprint.doc(summary="Make a new token for a worker; the old one stays good for a day")
def rotate(name: str) -> dict[str, Any]:
    """The answer has the token, which is never shown again."""
    node, token = services().nodes.rotate(name, current_actor())
    return {**_shown(node), "token": token}


@blueprint.post("/nodes/<name>/revoke")
@requires(Permission.NODE_EDIT)
@blueprint.doc(summary="Shut a worker out at once")
def revoke(name: str) -> dict[str, Any]:
    """None of its tokens is good any more."""
    return _shown(services().nodes.revoke(name, current_actor()))


@blueprint.delete("/nodes/<name>")
@requires(Permission.NODE_EDIT)
@blueprint.output({}, status_code=204)
@blueprint.doc(summary="Forget a worker, with the history of its health")
def remove(name: str) -> str:
    """What it did stays in the history of actions."""
    services().nodes.remove(name, current_actor())
    services().health.latest.forget(name)
    return ""


def _shown(node: Node) -> dict[str, Any]:
    return {
        "name": node.name,
        "address": node.address,
        "own": node.own,
        "revoked": node.revoked,
        "may_ask": node.may_ask,
        "created_at": node.created_at.isoformat(),
        "created_by": node.created_by,
    }
