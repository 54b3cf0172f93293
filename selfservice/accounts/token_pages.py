"""The page of somebody's own tokens: make one, see how they are used, revoke them."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from selfservice.accounts.permissions import Permission, Scope
from selfservice.accounts.tokens import Terms
from selfservice.errors import BadInput
from selfservice.web.access import current_actor, myself, requires
from selfservice.web.own_address import own_address
from selfservice.web.services import services

blueprint = APIBlueprint("tokens", __name__, enable_openapi=False)

#: What is offered; none is good until it is revoked.
DAYS = {"7": "7 days", "30": "30 days", "90": "90 days", "365": "a year", "": "until I revoke it"}
MEANINGS = {
    Scope.READ: "sees what I see",
    Scope.LAUNCH: "also starts and cancels what I may start",
    Scope.ADMINISTER: "everything that I may",
}


@blueprint.get("/account/tokens")
@requires(Permission.ACCOUNT_SELF)
def index() -> ResponseReturnValue:
    """My tokens, and a form to make one."""
    return _index()


@blueprint.post("/account/tokens")
@requires(Permission.ACCOUNT_SELF)
def add() -> ResponseReturnValue:
    """Make a token, and show it this once."""
    form = request.form
    days = form.get("days", "")
    try:
        _refuse_without_second_factor()
        if days not in DAYS:
            raise BadInput("Choose one of the times that are offered.", "days")
        token, secret = services().accounts.tokens.create(
            form.get("name", ""), myself(), form.get("scope", ""), current_actor(), _terms(days)
        )
    except BadInput as error:
        return _index(error), error.status
    page = render_template("accounts/token.html", token=token, secret=secret, url=own_address())
    return page, 200, {"Cache-Control": "no-store"}


@blueprint.post("/account/tokens/<int:number>/revoke")
@requires(Permission.ACCOUNT_SELF)
def revoke(number: int) -> ResponseReturnValue:
    """Close one of my tokens for good."""
    token = services().accounts.tokens.revoke_own(number, myself(), current_actor())
    flash(f"The token {token.title} is revoked.", "success")
    return redirect(url_for("tokens.index"), 303)


def _refuse_without_second_factor() -> None:
    """A session from before there was a second factor makes nothing that outlasts it."""
    me = myself()
    shown = services().accounts.sessions.showed_second_factor(me.session_key)
    if services().sign_in.second_factors.of(me).any and not shown:
        raise BadInput("Sign out, and in again with your second factor: then you can make a token.", "name")


def _terms(days: str) -> Terms:
    """What the form says; only projects that its person sees can be meant."""
    chosen = request.form.getlist("projects") if request.form.get("where") == "projects" else None
    if chosen == []:
        raise BadInput("Choose at least one project, or let it go wherever you may.", "projects")
    names = None if chosen is None else tuple(services().projects.get(name).name for name in chosen)
    return Terms(int(days) if days else None, names)


def _index(error: BadInput | None = None) -> str:
    return render_template(
        "accounts/tokens.html",
        tokens=services().accounts.tokens.all(myself()),
        scopes=MEANINGS,
        offered=DAYS,
        projects=services().projects.all(),
        errors={error.field: error.sentence} if error else {},
        typed=request.form,
    )
