"""JSON routes of the inventory: hosts, groups, and what a pattern means."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from apiflask import APIBlueprint, Schema
from apiflask.fields import String
from apiflask.validators import Length

from selfservice.accounts.permissions import Permission
from selfservice.web.access import requires
from selfservice.web.services import services

blueprint = APIBlueprint("hosts_api", __name__, url_prefix="/api/v1", tag="Hosts")


class MatchQuery(Schema):
    """A host pattern."""

    pattern = String(required=True, validate=Length(max=4096), metadata={"description": "As Ansible reads it."})


@blueprint.get("/hosts")
@requires(Permission.HOST_READ)
@blueprint.doc(summary="List hosts and groups")
def list_hosts() -> dict[str, Any]:
    """Every host of the inventory with its groups, and every group with its hosts."""
    inventory = services().inventory
    return {
        "hosts": [asdict(host) for host in inventory.hosts()],
        "groups": [asdict(group) for group in inventory.groups()],
    }


@blueprint.get("/hosts/match")
@requires(Permission.HOST_READ)
@blueprint.input(MatchQuery, location="query")
@blueprint.doc(summary="Which hosts a pattern means", responses={422: "It means none, and the sentence says why"})
def match_hosts(query_data: dict[str, str]) -> dict[str, Any]:
    """The hosts that a run on `pattern` would run on now."""
    names = services().inventory.match(query_data["pattern"])
    return {"pattern": query_data["pattern"], "hosts": list(names), "count": len(names)}
