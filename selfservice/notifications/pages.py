"""The pages of one's own notifications."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask.typing import ResponseReturnValue

from selfservice.accounts.permissions import Permission
from selfservice.notifications.target_pages import Room
from selfservice.notifications.targets import Owner
from selfservice.web.access import current_person, requires

blueprint = APIBlueprint("notifications", __name__, enable_openapi=False)


def _mine() -> Room:
    return Room(Owner(person=current_person().person_name), "notifications")


@blueprint.get("/account/notifications")
@requires(Permission.ACCOUNT_SELF)
def index() -> ResponseReturnValue:
    """Where this person is told of what, and the form for one more."""
    return _mine().page()


@blueprint.post("/account/notifications")
@requires(Permission.ACCOUNT_SELF)
def add() -> ResponseReturnValue:
    """One more target."""
    return _mine().add()


@blueprint.get("/account/notifications/<int:target_id>")
@requires(Permission.ACCOUNT_SELF)
def edit(target_id: int) -> ResponseReturnValue:
    """The rules of one target."""
    return _mine().edit(target_id)


@blueprint.post("/account/notifications/<int:target_id>")
@requires(Permission.ACCOUNT_SELF)
def change(target_id: int) -> ResponseReturnValue:
    """Other rules for it."""
    return _mine().change(target_id)


@blueprint.post("/account/notifications/<int:target_id>/remove")
@requires(Permission.ACCOUNT_SELF)
def remove(target_id: int) -> ResponseReturnValue:
    """Tell it nothing any more."""
    return _mine().remove(target_id)


@blueprint.post("/account/notifications/<int:target_id>/test")
@requires(Permission.ACCOUNT_SELF)
def test(target_id: int) -> ResponseReturnValue:
    """Send a message now; the page says what came of it."""
    return _mine().test(target_id)


@blueprint.get("/account/notifications/deliveries")
@requires(Permission.ACCOUNT_SELF)
def deliveries() -> ResponseReturnValue:
    """What was sent."""
    return _mine().deliveries()
