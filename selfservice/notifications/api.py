"""JSON routes of notifications: one's own targets, and what was sent to them."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint, Schema
from apiflask.fields import Boolean, Integer, List, String
from apiflask.validators import Length, OneOf, Range

from selfservice.accounts.permissions import Permission
from selfservice.notifications.events import EventKind
from selfservice.notifications.models import Delivery, Target
from selfservice.notifications.sent import rules_of_json
from selfservice.notifications.targets import DIGESTS, LONGEST_ADDRESS, Owner
from selfservice.web.access import current_actor, current_person, requires
from selfservice.web.services import services

blueprint = APIBlueprint("notifications_api", __name__, url_prefix="/api/v1", tag="Notifications")


class RulesInput(Schema):
    """What a target is told, and when."""

    title = String(required=True, validate=Length(1, 80))
    events = List(String(validate=OneOf([kind.value for kind in EventKind])), load_default=list)
    only_mine = Boolean(load_default=True, metadata={"description": "Only your own runs and schedules."})
    digest_seconds = Integer(load_default=60, validate=OneOf(DIGESTS))
    quiet_from = String(load_default="", metadata={"description": "Such as 22:00."})
    quiet_until = String(load_default="")
    zone = String(load_default="UTC", metadata={"description": "An IANA time zone, such as Europe/Berlin."})


class TargetInput(RulesInput):
    """A new target."""

    url = String(
        required=True,
        validate=Length(1, LONGEST_ADDRESS),
        metadata={"description": "An address of apprise; never shown again."},
    )


class PageQuery(Schema):
    """Which page of deliveries."""

    limit = Integer(load_default=50, validate=Range(1, 500))
    cursor = Integer(load_default=None, validate=Range(1, 2**31 - 1))


@blueprint.get("/notifications/targets")
@requires(Permission.ACCOUNT_SELF)
@blueprint.doc(summary="List where you are told of events")
def list_targets() -> dict[str, Any]:
    """Your targets, without their addresses."""
    return {"targets": [target_json(each) for each in services().targets.of(_mine())]}


@blueprint.post("/notifications/targets")
@requires(Permission.ACCOUNT_SELF)
@blueprint.input(TargetInput)
@blueprint.doc(summary="Add a target", responses={201: "It will be told", 422: "A bad value"})
def create_target(json_data: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """The address is sealed, and shown by its kind and host alone."""
    owner = _mine()
    target_id = services().targets.add(json_data["url"], rules_of_json(json_data), current_actor(), owner)
    return target_json(services().targets.get(target_id, owner)), 201


@blueprint.put("/notifications/targets/<int:target_id>")
@requires(Permission.ACCOUNT_SELF)
@blueprint.input(RulesInput)
@blueprint.doc(summary="Change what a target is told", responses={404: "No such target", 422: "A bad value"})
def change_target(target_id: int, json_data: dict[str, Any]) -> dict[str, Any]:
    """Its address stays."""
    owner = _mine()
    services().targets.change(target_id, rules_of_json(json_data), current_actor(), owner)
    return target_json(services().targets.get(target_id, owner))


@blueprint.delete("/notifications/targets/<int:target_id>")
@requires(Permission.ACCOUNT_SELF)
@blueprint.doc(summary="Remove a target", responses={204: "It is told nothing any more", 404: "No such target"})
def delete_target(target_id: int) -> tuple[str, int]:
    """What is due for it is not sent either."""
    services().targets.remove(target_id, current_actor(), _mine())
    return "", 204


@blueprint.post("/notifications/targets/<int:target_id>/test")
@requires(Permission.ACCOUNT_SELF)
@blueprint.doc(summary="Send a test", responses={202: "It is on its way; see the deliveries", 404: "No such target"})
def test_target(target_id: int) -> tuple[dict[str, int], int]:
    """The delivery with this id says what came of it."""
    return {"delivery": services().targets.test(target_id, current_actor(), _mine())}, 202


@blueprint.get("/notifications/deliveries")
@requires(Permission.ACCOUNT_SELF)
@blueprint.input(PageQuery, location="query")
@blueprint.doc(summary="List what was sent to you")
def list_deliveries(query_data: dict[str, Any]) -> dict[str, Any]:
    """One page of deliveries, newest first, and `next_cursor` for the next one."""
    return page_of_deliveries(_mine(), query_data)


def page_of_deliveries(owner: Owner, query_data: dict[str, Any]) -> dict[str, Any]:
    """One page of what was sent to the targets of `owner`."""
    limit = query_data["limit"]
    found = services().targets.deliveries(owner, query_data["cursor"], limit + 1)
    cursor = found[limit - 1][0].id if len(found) > limit else None
    return {"deliveries": [_delivery(*each) for each in found[:limit]], "next_cursor": cursor}


def _mine() -> Owner:
    return Owner(person=current_person().person_name)


def target_json(target: Target) -> dict[str, Any]:
    """A target without its address."""
    return {
        "id": target.id,
        "title": target.title,
        "kind": target.kind,
        "host": target.host,
        "events": target.events,
        "only_mine": target.only_mine,
        "digest_seconds": target.digest_seconds,
        "quiet_from": target.quiet_from,
        "quiet_until": target.quiet_until,
        "zone": target.zone,
        "failing_since": target.failing_since.isoformat() if target.failing_since else None,
        "last_error": target.last_error,
    }


def _delivery(delivery: Delivery, target: Target) -> dict[str, Any]:
    return {
        "id": delivery.id,
        "target": target.id,
        "text": delivery.text,
        "state": delivery.state,
        "at": delivery.at.isoformat(),
        "attempts": delivery.attempts,
        "error": delivery.error,
    }
