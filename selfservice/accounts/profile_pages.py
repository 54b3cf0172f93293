"""The page of somebody's own account: the name, where they are signed in, and the way to the rest."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from selfservice.accounts.permissions import Permission
from selfservice.accounts.providers import ProviderKind
from selfservice.errors import ApplicationError, BadInput, ChangedMeanwhile
from selfservice.web.access import current_actor, myself, requires
from selfservice.web.services import services

blueprint = APIBlueprint("profile", __name__, enable_openapi=False)


@blueprint.get("/account")
@requires(Permission.ACCOUNT_SELF)
def index() -> ResponseReturnValue:
    """My account."""
    return _index()


@blueprint.post("/account")
@requires(Permission.ACCOUNT_SELF)
def rename() -> ResponseReturnValue:
    """Show me by another name."""
    name, version = request.form.get("display_name", "").strip(), request.form.get("version", 0, type=int)
    try:
        services().accounts.people.rename(myself(), name, version, current_actor())
    except (BadInput, ChangedMeanwhile) as error:
        return _index(error), error.status
    flash("Your name is changed.", "success")
    return redirect(url_for("profile.index"), 303)


@blueprint.post("/account/sessions/<int:number>/end")
@requires(Permission.ACCOUNT_SELF)
def end_session(number: int) -> ResponseReturnValue:
    """Sign me out in one other browser."""
    services().accounts.sessions.end(number, myself(), current_actor())
    flash("The session has ended.", "success")
    return redirect(url_for("profile.index"), 303)


@blueprint.post("/account/sessions/end-others")
@requires(Permission.ACCOUNT_SELF)
def end_other_sessions() -> ResponseReturnValue:
    """Sign me out everywhere but here."""
    ended = services().accounts.sessions.end_others(myself(), current_actor())
    flash(f"{ended} other session{' has' if ended == 1 else 's have'} ended.", "success")
    return redirect(url_for("profile.index"), 303)


def _index(error: ApplicationError | None = None) -> str:
    sessions, me = services().accounts.sessions, services().accounts.people.get(myself().name)
    parts = services().sign_in
    identities = parts.outside_people.of(me)
    linked = {each.provider_id for each in identities}
    others = parts.providers.in_use(ProviderKind.OPENID, ProviderKind.FACEBOOK)
    return render_template(
        "accounts/profile.html",
        me=me,
        identities=identities,
        may_choose_password=all(each.provider.kind != ProviderKind.LDAP for each in identities),
        linkable=[each for each in others if each.id not in linked],
        mails=parts.mail.is_set_up,
        sessions=[(each, sessions.is_current(each, myself())) for each in sessions.of(me)],
        errors={error.field: error.sentence} if isinstance(error, BadInput) else {},
        refusal=error.sentence if error and not isinstance(error, BadInput) else "",
        typed=request.form,
    )
