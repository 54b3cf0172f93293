"""The Alerts page: what was said to this person."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from selfservice.accounts.permissions import Permission
from selfservice.web.access import current_person, requires
from selfservice.web.services import services

blueprint = APIBlueprint("alerts", __name__, enable_openapi=False)


@blueprint.get("/alerts")
@requires(Permission.ALERT_READ)
def index() -> ResponseReturnValue:
    """Alerts, newest first; `show=all` with those dismissed, withdrawn or expired."""
    show_all = request.args.get("show") == "all"
    cursor = request.args.get("cursor", type=int)
    page = services().alerts.page_for(current_person().name, only_open=not show_all, cursor=cursor)
    return render_template("alerts/index.html", page=page, show_all=show_all, cursor=cursor)


@blueprint.post("/alerts/<int:alert_id>/dismiss")
@requires(Permission.ALERT_READ)
def dismiss(alert_id: int) -> ResponseReturnValue:
    """Take an alert off this person's pages."""
    services().alerts.dismiss(alert_id, current_person().name)
    return redirect(url_for("alerts.index"), 303)


@blueprint.post("/alerts/dismiss")
@requires(Permission.ALERT_READ)
def dismiss_all() -> ResponseReturnValue:
    """Take all alerts off this person's pages."""
    services().alerts.dismiss_all(current_person().name)
    return redirect(url_for("alerts.index"), 303)
