"""The pages of notifications: one's own targets, and what was sent to them."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from tzlocal import get_localzone_name

from selfservice.accounts.permissions import Permission
from selfservice.errors import BadInput
from selfservice.notifications.events import MEANINGS
from selfservice.notifications.sent import rules_of_form
from selfservice.notifications.targets import DIGESTS
from selfservice.web.access import current_actor, current_person, requires
from selfservice.web.services import services

blueprint = APIBlueprint("notifications", __name__, enable_openapi=False)

_ROWS = 50
_RECENT = 5
_WORDS = ("nothing: each at once", "a minute", "five minutes", "15 minutes", "an hour")
_DIGEST_WORDS = dict(zip(DIGESTS, _WORDS, strict=True))


@blueprint.get("/account/notifications")
@requires(Permission.ACCOUNT_SELF)
def index() -> ResponseReturnValue:
    """Where this person is told of what, and the form for one more."""
    return _page()


@blueprint.post("/account/notifications")
@requires(Permission.ACCOUNT_SELF)
def add() -> ResponseReturnValue:
    """One more target."""
    try:
        rules = rules_of_form(request.form)
        services().targets.add(request.form.get("url", ""), rules, current_actor(), current_person().person_name)
    except BadInput as error:
        return _page(error)
    flash("Added. Send a test to see whether it arrives.", "success")
    return _back()


@blueprint.get("/account/notifications/<int:target_id>")
@requires(Permission.ACCOUNT_SELF)
def edit(target_id: int) -> ResponseReturnValue:
    """The rules of one target."""
    return _edit(target_id)


@blueprint.post("/account/notifications/<int:target_id>")
@requires(Permission.ACCOUNT_SELF)
def change(target_id: int) -> ResponseReturnValue:
    """Other rules for it."""
    try:
        rules = rules_of_form(request.form)
        services().targets.change(target_id, rules, current_actor(), current_person().person_name)
    except BadInput as error:
        return _edit(target_id, error)
    flash("Saved.", "success")
    return _back()


@blueprint.post("/account/notifications/<int:target_id>/remove")
@requires(Permission.ACCOUNT_SELF)
def remove(target_id: int) -> ResponseReturnValue:
    """Tell it nothing any more."""
    services().targets.remove(target_id, current_actor(), current_person().person_name)
    flash("Removed: nothing is sent there any more.", "success")
    return _back()


@blueprint.post("/account/notifications/<int:target_id>/test")
@requires(Permission.ACCOUNT_SELF)
def test(target_id: int) -> ResponseReturnValue:
    """Send a message now; the page says what came of it."""
    services().targets.test(target_id, current_actor(), current_person().person_name)
    return redirect(url_for("notifications.index", _anchor="deliveries"), 303)


@blueprint.get("/account/notifications/deliveries")
@requires(Permission.ACCOUNT_SELF)
def deliveries() -> ResponseReturnValue:
    """What was sent, newest first; `rows` for the first of them alone, for a page that stays open."""
    cursor = request.args.get("cursor", "")
    if cursor and not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 10):
        raise BadInput("There is no such page of deliveries.")
    limit = _RECENT if "rows" in request.args else _ROWS
    found = services().targets.deliveries(current_person().person_name, int(cursor) if cursor else None, limit + 1)
    return render_template(
        "notifications/_rows.html" if "rows" in request.args else "notifications/deliveries.html",
        deliveries=found[:limit],
        next_cursor=found[limit - 1][0].id if len(found) > limit else None,
        cursor=cursor,
    )


def _page(error: BadInput | None = None) -> ResponseReturnValue:
    person = current_person().person_name
    return render_template(
        "notifications/index.html",
        targets=services().targets.of(person),
        deliveries=services().targets.deliveries(person, limit=_RECENT),
        typed=request.form,
        **_choices(error),
    ), error.status if error else 200


def _edit(target_id: int, error: BadInput | None = None) -> ResponseReturnValue:
    target = services().targets.get(target_id, current_person().person_name)
    return render_template(
        "notifications/edit.html", target=target, typed=request.form, **_choices(error)
    ), error.status if error else 200


def _choices(error: BadInput | None) -> dict[str, Any]:
    return {
        "meanings": {kind.value: words for kind, words in MEANINGS.items()},
        "digests": _DIGEST_WORDS,
        "zone": get_localzone_name() or "UTC",
        "errors": {error.field or "title": error.sentence} if error else {},
    }


def _back() -> ResponseReturnValue:
    return redirect(url_for("notifications.index"), 303)
