"""JSON routes of alerts."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from apiflask import APIBlueprint, Schema
from apiflask.fields import Boolean, Integer, List, String
from apiflask.validators import Length, OneOf, Range

from selfservice.accounts.permissions import Permission
from selfservice.alerts.alerts import DEFAULT_SECONDS, LONGEST_MESSAGE, NewAlert, Severity
from selfservice.web.access import current_actor, current_person, requires
from selfservice.web.services import services

blueprint = APIBlueprint("alerts_api", __name__, url_prefix="/api/v1", tag="Alerts")


class AlertInput(Schema):
    """What to say to whom."""

    message = String(
        required=True,
        validate=Length(1, LONGEST_MESSAGE),
        metadata={"description": "Plain text; markup is shown as it stands."},
    )
    severity = String(load_default=Severity.INFO.value, validate=OneOf([each.value for each in Severity]))
    to = List(String(), load_default=list, metadata={"description": "Names of people; everyone where it is empty."})
    link = String(load_default=None, metadata={"description": "An http(s) address, or a path on this node."})
    project = String(
        load_default="",
        validate=Length(max=40),
        metadata={"description": "Only those with access to this project see it."},
    )
    host = String(
        load_default="", validate=Length(max=255), metadata={"description": "Only those who see this host see it."}
    )
    expires_in = Integer(load_default=DEFAULT_SECONDS, metadata={"description": "Seconds, 30 days at most."})


class AlertsQuery(Schema):
    """Which alerts."""

    open = Boolean(load_default=True, metadata={"description": "Only those not dismissed, withdrawn or expired."})
    project = String(load_default="", metadata={"description": "Only those about this project."})
    limit = Integer(load_default=50, validate=Range(1, 200))
    cursor = Integer(load_default=None, metadata={"description": "`next_cursor` of the page before."})


@blueprint.post("/alerts")
@requires(Permission.ALERT_SEND)
@blueprint.input(AlertInput)
@blueprint.doc(
    summary="Show a message to people",
    responses={201: "It is on their pages", 404: "No such project", 422: "A bad value"},
)
def send_alert(json_data: dict[str, Any]) -> tuple[dict[str, int], int]:
    """The message appears on every open page of the people it is for, until they dismiss it or it expires."""
    if json_data["project"]:
        services().projects.get(json_data["project"])
    json_data["severity"] = Severity(json_data["severity"])
    json_data["to"] = tuple(json_data["to"])
    return {"id": services().alerts.send(NewAlert(**json_data), current_actor())}, 201


@blueprint.get("/alerts")
@requires(Permission.ALERT_READ)
@blueprint.input(AlertsQuery, location="query")
@blueprint.doc(summary="List my alerts, newest first")
def list_alerts(query_data: dict[str, Any]) -> dict[str, Any]:
    """The alerts for the person or token that asks."""
    only_open = query_data.pop("open")
    page = services().alerts.page_for(current_person().name, only_open=only_open, **query_data)
    return {"alerts": [asdict(alert) for alert in page.alerts], "next_cursor": page.next_cursor}


@blueprint.post("/alerts/<int:alert_id>/dismiss")
@requires(Permission.ALERT_READ)
@blueprint.doc(summary="Dismiss an alert", responses={204: "It is off my pages"})
def dismiss_alert(alert_id: int) -> tuple[str, int]:
    """Take it off the pages of the person who asks; others keep it."""
    services().alerts.dismiss(alert_id, current_person().name)
    return "", 204


@blueprint.delete("/alerts/<int:alert_id>")
@requires(Permission.ALERT_SEND)
@blueprint.doc(summary="Withdraw an alert", responses={204: "It is off all pages"})
def withdraw_alert(alert_id: int) -> tuple[str, int]:
    """Take it off everybody's pages: for its sender and administrators."""
    services().alerts.withdraw(alert_id, current_actor(), may_all=current_person().is_administrator)
    return "", 204
