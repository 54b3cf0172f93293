"""JSON routes of health: all nodes, and how one was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from apiflask import APIBlueprint, Schema
from apiflask.fields import AwareDateTime, Integer
from apiflask.validators import Range

from selfservice.accounts.permissions import Permission
from selfservice.health.changes import Change
from selfservice.health.fleet import NodeHealth, counts
from selfservice.health.history import MOST_POINTS, Row
from selfservice.web.access import requires
from selfservice.web.services import services

blueprint = APIBlueprint("fleet_health_api", __name__, url_prefix="/api/v1", tag="Health")


class SeriesQuery(Schema):
    """Which time, and in how many points."""

    since = AwareDateTime(load_default=None, default_timezone=UTC, metadata={"description": "An hour ago if left out."})
    until = AwareDateTime(load_default=None, default_timezone=UTC, metadata={"description": "Now if left out."})
    points = Integer(load_default=300, validate=Range(1, MOST_POINTS), metadata={"description": "At most so many."})


@blueprint.get("/health")
@requires(Permission.HOST_READ)
@blueprint.doc(summary="How all nodes are")
def all_nodes() -> dict[str, Any]:
    """Every node with its state, since when and why, problems first; and how many are in each state."""
    nodes = services().health.all()
    return {"counts": counts(nodes), "nodes": [_shown(each) for each in nodes]}


@blueprint.get("/nodes/<name>/health")
@requires(Permission.HOST_READ)
@blueprint.input(SeriesQuery, location="query")
@blueprint.doc(summary="How a node is and was", responses={404: "There is no such node", 422: "A bad time"})
def of_node(name: str, query_data: dict[str, Any]) -> dict[str, Any]:
    """Its state, its latest heartbeat, its figures over time (null where nothing was heard) and its changes."""
    fleet = services().health
    node = fleet.get(name)
    until = query_data["until"] or datetime.now(UTC)
    since = query_data["since"] or until - timedelta(hours=1)
    rows = fleet.history.series(name, since, until, query_data["points"])
    return {
        **_shown(node),
        "heartbeat": node.heartbeat.as_json() if node.heartbeat else None,
        "series": _columns(rows),
        "changes": [_change(each) for each in fleet.changes.of(name, since) if each.at <= until],
    }


def _shown(node: NodeHealth) -> dict[str, Any]:
    return {
        "name": node.name,
        "groups": list(node.node.groups),
        "state": node.state,
        "since": node.since.isoformat() if node.since else None,
        "why": list(node.why),
        "heard_at": node.heard_at.isoformat() if node.heard_at else None,
    }


def _columns(rows: list[Row]) -> dict[str, list[float | None]]:
    """One list a figure: what a chart is drawn from."""
    return {
        "time": [row.at for row in rows],
        "cpu_percent": [row.cpu for row in rows],
        "memory_percent": [row.mem for row in rows],
        "disk_percent": [row.disk for row in rows],
        "load": [row.load for row in rows],
    }


def _change(change: Change) -> dict[str, Any]:
    return {"at": change.at.isoformat(), "old": change.old.value, "new": change.new.value, "why": list(change.why)}
