"""The Health pages: all nodes, and one of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from apiflask import APIBlueprint
from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from selfservice.accounts.permissions import Permission
from selfservice.health.checks import OPERATIONS, HostCheck
from selfservice.health.fleet import ORDER, FleetQuery, NodeHealth
from selfservice.health.history import Row
from selfservice.health.sparkline import line
from selfservice.runs.executor_status import executor_alive
from selfservice.web.access import current_person, requires
from selfservice.web.services import services

blueprint = APIBlueprint("fleet_health", __name__, enable_openapi=False)

VIEWS = ("cards", "table")
_HOUR = timedelta(hours=1)
_SPARK_POINTS = 60
_MOST_CHECKS = 100
#: What charts can look back to: address, words, hours.
RANGES = (("1h", "hour", 1), ("24h", "24 hours", 24), ("7d", "7 days", 7 * 24), ("30d", "30 days", 30 * 24))
_TABLE_POINTS = 24
_CHANGES_SHOWN = 20


@blueprint.get("/health")
@requires(Permission.HOST_READ)
def index() -> ResponseReturnValue:
    """All nodes, problems first; with `rows`, only what changes while the page is open."""
    text = request.args.get("q", "").strip()[:200]
    state = request.args.get("state", "")
    view = request.args.get("view", "")
    view = view if view in VIEWS else VIEWS[0]
    state = state if state in ORDER else ""
    number = request.args.get("page", 1, type=int)
    page = services().health.page(FleetQuery(text, state, number))
    chosen: dict[str, Any] = {"q": text or None, "state": state or None, "view": view if view != VIEWS[0] else None}
    shown: dict[str, Any] = {
        "page": page,
        "rows": [(node, _spark(node)) for node in page.nodes],
        "text": text,
        "state": state,
        "view": view,
        "chosen": chosen,
        "states": ORDER,
        "unjudged": not executor_alive(services().settings),
        "trouble": services().health.thresholds.trouble,
    }
    if "rows" in request.args:
        return render_template("health/_nodes.html", **shown)
    checks = [check for check in services().checks.latest() if text.lower() in check.host.lower()]
    return render_template(
        "health/index.html",
        **shown,
        rows_url=url_for("fleet_health.index", **chosen, page=page.number, rows=1),
        checks=checks[:_MOST_CHECKS],
        more_checks=max(0, len(checks) - _MOST_CHECKS),
        check_counts=_check_counts(checks),
        operations=_operations(),
    )


def _spark(node: NodeHealth) -> dict[str, Any] | None:
    """The processor's last hour; none where nothing was heard in it."""
    now = datetime.now(UTC)
    rows = services().health.history.series(node.name, now - _HOUR, now, _SPARK_POINTS)
    known = [row.cpu for row in rows if row.cpu is not None]
    if not known:
        return None
    start, end = (now - _HOUR).timestamp(), now.timestamp()
    return {"path": line(rows, "cpu", start, end), "most": max(known)}


def _check_counts(checks: list[HostCheck]) -> dict[str, int]:
    bad = sum(1 for check in checks if check.state in ("failed", "unreachable"))
    return {"bad": bad, "good": len(checks) - bad}


def _operations() -> list[tuple[str, str]]:
    """Name and title of the operations that check hosts, as far as this person may schedule them."""
    person = current_person()
    if not person.may(Permission.SCHEDULE_EDIT):
        return []
    visible = {each.name: each for each in services().operations.visible(person) if each.launchable}
    return [(name, visible[name].title) for name in OPERATIONS if name in visible]


@blueprint.get("/health/<name>")
@requires(Permission.HOST_READ)
def show(name: str) -> ResponseReturnValue:
    """One node: how it is, why, and how it was; with `rows`, only how it is."""
    fleet = services().health
    node = fleet.get(name)
    shown: dict[str, Any] = {
        "node": node,
        "limits": fleet.limits_of(node.node),
        "changes": fleet.changes.of(name)[: -_CHANGES_SHOWN - 1 : -1],
        "unjudged": not executor_alive(services().settings),
    }
    if "rows" in request.args:
        return render_template("health/_now.html", **shown)
    chosen = request.args.get("range", "")
    chosen, words, hours = next((each for each in RANGES if each[0] == chosen), RANGES[0])
    return render_template(
        "health/show.html", **shown, ranges=RANGES, chosen=chosen, words=words, hours=hours, rows=_past(name, hours)
    )


def _past(name: str, hours: int) -> list[tuple[datetime, Row]]:
    """What the charts show, in few rows: for who cannot see them."""
    now = datetime.now(UTC)
    rows = services().health.history.series(name, now - timedelta(hours=hours), now, _TABLE_POINTS)
    return [(datetime.fromtimestamp(row.at, UTC), row) for row in rows]
