"""The pages of targets, whoever's they are: a person shows their own, an admin of a project those of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from tzlocal import get_localzone_name

from selfservice.errors import BadInput
from selfservice.notifications.events import MEANINGS, MEANINGS_IN_PROJECTS
from selfservice.notifications.sent import rules_of_form
from selfservice.notifications.targets import DIGESTS, Owner
from selfservice.web.access import current_actor
from selfservice.web.services import services

_ROWS = 50
_RECENT = 5
_WORDS = ("nothing: each at once", "a minute", "five minutes", "15 minutes", "an hour")
_DIGEST_WORDS = dict(zip(DIGESTS, _WORDS, strict=True))


@dataclass(frozen=True)
class Room:
    """Where the targets of one owner are looked after."""

    owner: Owner
    #: The blueprint whose pages these are, and what their addresses have beside.
    blueprint: str
    #: What a project is called; empty for a person's own.
    title: str = ""

    def address(self, name: str, **values: Any) -> str:
        """The address of one of its pages."""
        beside: dict[str, Any] = {"name": self.owner.project} if self.owner.project else {}
        return url_for(f"{self.blueprint}.{name}", **beside, **values)

    def add(self) -> ResponseReturnValue:
        """One more target, as the form says."""
        try:
            rules = rules_of_form(request.form)
            services().targets.add(request.form.get("url", ""), rules, current_actor(), self.owner)
        except BadInput as error:
            return self.page(error)
        flash("Added. Send a test to see whether it arrives.", "success")
        return redirect(self.address("index"), 303)

    def change(self, target_id: int) -> ResponseReturnValue:
        """Other rules for one, as the form says."""
        try:
            services().targets.change(target_id, rules_of_form(request.form), current_actor(), self.owner)
        except BadInput as error:
            return self.edit(target_id, error)
        flash("Saved.", "success")
        return redirect(self.address("index"), 303)

    def remove(self, target_id: int) -> ResponseReturnValue:
        """Tell it nothing any more."""
        services().targets.remove(target_id, current_actor(), self.owner)
        flash("Removed: nothing is sent there any more.", "success")
        return redirect(self.address("index"), 303)

    def test(self, target_id: int) -> ResponseReturnValue:
        """Send a message now; the page says what came of it."""
        services().targets.test(target_id, current_actor(), self.owner)
        return redirect(self.address("index", _anchor="deliveries"), 303)

    def page(self, error: BadInput | None = None) -> ResponseReturnValue:
        """The targets, their latest deliveries, and the form for one more."""
        return render_template(
            "notifications/index.html",
            targets=services().targets.of(self.owner),
            deliveries=services().targets.deliveries(self.owner, limit=_RECENT),
            typed=request.form,
            **self._choices(error),
        ), error.status if error else 200

    def edit(self, target_id: int, error: BadInput | None = None) -> ResponseReturnValue:
        """The rules of one target."""
        target = services().targets.get(target_id, self.owner)
        page = render_template("notifications/edit.html", target=target, typed=request.form, **self._choices(error))
        return page, error.status if error else 200

    def deliveries(self) -> ResponseReturnValue:
        """What was sent, newest first; `rows` for the first of them alone, for a page that stays open."""
        cursor = request.args.get("cursor", "")
        if cursor and not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 10):
            raise BadInput("There is no such page of deliveries.")
        limit = _RECENT if "rows" in request.args else _ROWS
        found = services().targets.deliveries(self.owner, int(cursor) if cursor else None, limit + 1)
        return render_template(
            "notifications/_rows.html" if "rows" in request.args else "notifications/deliveries.html",
            deliveries=found[:limit],
            next_cursor=found[limit - 1][0].id if len(found) > limit else None,
            cursor=cursor,
            room=self,
        )

    def _choices(self, error: BadInput | None) -> dict[str, Any]:
        meanings = MEANINGS_IN_PROJECTS if self.owner.project else MEANINGS
        return {
            "room": self,
            "meanings": {kind.value: words for kind, words in meanings.items()},
            "digests": _DIGEST_WORDS,
            "zone": get_localzone_name() or "UTC",
            "errors": {error.field or "title": error.sentence} if error else {},
        }
