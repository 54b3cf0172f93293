"""JSON routes of the notifications of a project, for whoever looks after it."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint

from selfservice.accounts.permissions import Permission
from selfservice.notifications.api import PageQuery, RulesInput, TargetInput, page_of_deliveries, target_json
from selfservice.notifications.sent import rules_of_json
from selfservice.notifications.targets import Owner
from selfservice.web.access import current_actor, requires
from selfservice.web.services import services

blueprint = APIBlueprint(
    "project_notifications_api",
    __name__,
    url_prefix="/api/v1/projects/<name>/notifications",
    tag="Notifications",
)


@blueprint.get("/targets")
@requires(Permission.PROJECT_MANAGE)
@blueprint.doc(summary="List where a project tells of events", responses={404: "No such project"})
def list_targets(name: str) -> dict[str, Any]:
    """Its targets, without their addresses."""
    return {"targets": [target_json(each) for each in services().targets.of(_of(name))]}


@blueprint.post("/targets")
@requires(Permission.PROJECT_MANAGE)
@blueprint.input(TargetInput)
@blueprint.doc(
    summary="Add a target to a project",
    responses={201: "It will be told", 404: "No such project", 422: "A bad value"},
)
def create_target(name: str, json_data: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """The address is sealed, and shown by its kind and host alone."""
    owner = _of(name)
    target_id = services().targets.add(json_data["url"], rules_of_json(json_data), current_actor(), owner)
    return target_json(services().targets.get(target_id, owner)), 201


@blueprint.put("/targets/<int:target_id>")
@requires(Permission.PROJECT_MANAGE)
@blueprint.input(RulesInput)
@blueprint.doc(
    summary="Change what a target of a project is told", responses={404: "No such target", 422: "A bad value"}
)
def change_target(name: str, target_id: int, json_data: dict[str, Any]) -> dict[str, Any]:
    """Its address stays."""
    owner = _of(name)
    services().targets.change(target_id, rules_of_json(json_data), current_actor(), owner)
    return target_json(services().targets.get(target_id, owner))


@blueprint.delete("/targets/<int:target_id>")
@requires(Permission.PROJECT_MANAGE)
@blueprint.doc(
    summary="Remove a target of a project", responses={204: "It is told nothing any more", 404: "No such target"}
)
def delete_target(name: str, target_id: int) -> tuple[str, int]:
    """What is due for it is not sent either."""
    services().targets.remove(target_id, current_actor(), _of(name))
    return "", 204


@blueprint.post("/targets/<int:target_id>/test")
@requires(Permission.PROJECT_MANAGE)
@blueprint.doc(
    summary="Send a test to a target of a project",
    responses={202: "It is on its way; see the deliveries", 404: "No such target"},
)
def test_target(name: str, target_id: int) -> tuple[dict[str, int], int]:
    """The delivery with this id says what came of it."""
    return {"delivery": services().targets.test(target_id, current_actor(), _of(name))}, 202


@blueprint.get("/deliveries")
@requires(Permission.PROJECT_MANAGE)
@blueprint.input(PageQuery, location="query")
@blueprint.doc(summary="List what a project told", responses={404: "No such project"})
def list_deliveries(name: str, query_data: dict[str, Any]) -> dict[str, Any]:
    """One page of deliveries, newest first, and `next_cursor` for the next one."""
    return page_of_deliveries(_of(name), query_data)


def _of(name: str) -> Owner:
    return Owner(project=services().projects.managed(name).name)
