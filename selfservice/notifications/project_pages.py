"""The pages of the notifications of a project, for whoever looks after it."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask.typing import ResponseReturnValue

from selfservice.accounts.permissions import Permission
from selfservice.notifications.target_pages import Room
from selfservice.notifications.targets import Owner
from selfservice.web.access import requires
from selfservice.web.services import services

blueprint = APIBlueprint(
    "project_notifications", __name__, url_prefix="/projects/<name>/notifications", enable_openapi=False
)


def _of(name: str) -> Room:
    project = services().projects.managed(name)
    return Room(Owner(project=project.name), "project_notifications", project.title)


@blueprint.get("")
@requires(Permission.PROJECT_MANAGE)
def index(name: str) -> ResponseReturnValue:
    """Where the project tells of what, and the form for one more."""
    return _of(name).page()


@blueprint.post("")
@requires(Permission.PROJECT_MANAGE)
def add(name: str) -> ResponseReturnValue:
    """One more target."""
    return _of(name).add()


@blueprint.get("/<int:target_id>")
@requires(Permission.PROJECT_MANAGE)
def edit(name: str, target_id: int) -> ResponseReturnValue:
    """The rules of one target."""
    return _of(name).edit(target_id)


@blueprint.post("/<int:target_id>")
@requires(Permission.PROJECT_MANAGE)
def change(name: str, target_id: int) -> ResponseReturnValue:
    """Other rules for it."""
    return _of(name).change(target_id)


@blueprint.post("/<int:target_id>/remove")
@requires(Permission.PROJECT_MANAGE)
def remove(name: str, target_id: int) -> ResponseReturnValue:
    """Tell it nothing any more."""
    return _of(name).remove(target_id)


@blueprint.post("/<int:target_id>/test")
@requires(Permission.PROJECT_MANAGE)
def test(name: str, target_id: int) -> ResponseReturnValue:
    """Send a message now; the page says what came of it."""
    return _of(name).test(target_id)


@blueprint.get("/deliveries")
@requires(Permission.PROJECT_MANAGE)
def deliveries(name: str) -> ResponseReturnValue:
    """What was sent."""
    return _of(name).deliveries()
