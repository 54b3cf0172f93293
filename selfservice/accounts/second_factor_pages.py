"""The page of the own second factor: authenticator app, recovery codes, passkeys."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from selfservice.accounts.entering import remember, remembered
from selfservice.accounts.errors import StepGone
from selfservice.accounts.permissions import Permission
from selfservice.accounts.steps import Purpose
from selfservice.errors import BadInput
from selfservice.web.access import current_actor, myself, requires
from selfservice.web.services import services

blueprint = APIBlueprint("second_factor", __name__, enable_openapi=False)


@blueprint.get("/account/second-factor")
@requires(Permission.ACCOUNT_SELF)
def index() -> ResponseReturnValue:
    """What I have, and what I can add."""
    return _index()


@blueprint.post("/account/second-factor/app")
@requires(Permission.ACCOUNT_SELF)
def begin() -> ResponseReturnValue:
    """Begin to add an app; the password is asked for again."""
    try:
        _confirm()
    except BadInput as error:
        return _index({"app": error.sentence}), error.status
    remember(Purpose.AUTHENTICATOR, services().sign_in.second_factors.invite(myself()))
    return redirect(url_for("second_factor.app"), 303)


@blueprint.get("/account/second-factor/app")
@requires(Permission.ACCOUNT_SELF)
def app() -> ResponseReturnValue:
    """The QR code for the app, and a field for its first code."""
    try:
        return _app()
    except StepGone:
        return redirect(url_for("second_factor.index"), 303)


@blueprint.post("/account/second-factor/app/code")
@requires(Permission.ACCOUNT_SELF)
def add() -> ResponseReturnValue:
    """The first code of the app: from now on it is asked for."""
    me, key = myself(), remembered(Purpose.AUTHENTICATOR)
    try:
        codes = services().sign_in.second_factors.add(key, _typed_code(), me, current_actor())
    except BadInput as error:
        return _app(error.sentence), error.status
    services().accounts.sessions.note_second_factor(me.session_key)
    return _codes(codes)


@blueprint.post("/account/second-factor/app/remove")
@requires(Permission.ACCOUNT_SELF)
def remove() -> ResponseReturnValue:
    """Ask for codes no longer; the password is asked for again."""
    try:
        _confirm()
    except BadInput as error:
        return _index({"remove": error.sentence}), error.status
    services().sign_in.second_factors.remove(myself(), current_actor())
    flash("The authenticator app is not asked for any more.", "success")
    return redirect(url_for("second_factor.index"), 303)


@blueprint.post("/account/second-factor/recovery-codes")
@requires(Permission.ACCOUNT_SELF)
def renew() -> ResponseReturnValue:
    """New recovery codes; the password is asked for again."""
    try:
        _confirm()
    except BadInput as error:
        return _index({"renew": error.sentence}), error.status
    if not services().sign_in.second_factors.of(myself()).any:
        raise BadInput("Recovery codes are for who has a second factor; add one first.")
    return _codes(services().sign_in.second_factors.renew_recovery_codes(myself(), current_actor()))


def _confirm() -> None:
    """Whoever signs in elsewhere has no password here to be asked for."""
    if myself().password_hash:
        services().accounts.confirm_password(myself(), request.form.get("password", ""), current_actor())


def _typed_code() -> str:
    return "".join(request.form.get("code", "")[:64].split())


def _index(errors: dict[str, str] | None = None) -> str:
    me = myself()
    return render_template(
        "accounts/second_factors.html",
        me=me,
        factors=services().sign_in.second_factors.of(me),
        passkeys=services().sign_in.passkeys.of(me),
        passkey_address=services().sign_in.passkeys.address,
        errors=errors or {},
    )


def _app(wrong: str = "") -> str:
    invitation = services().sign_in.second_factors.invitation(remembered(Purpose.AUTHENTICATOR), myself())
    return render_template("accounts/authenticator.html", invitation=invitation, wrong=wrong)


def _codes(codes: list[str]) -> ResponseReturnValue:
    return render_template("accounts/recovery_codes.html", codes=codes), 200, {"Cache-Control": "no-store"}
