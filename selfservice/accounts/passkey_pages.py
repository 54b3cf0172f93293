"""Passkeys in the browser: to sign in with, and on the page of the own account."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import flash, json, jsonify, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from selfservice.accounts.entering import after_second_factor, awaited_person, enter, remember, remembered
from selfservice.accounts.errors import PasskeyRefused
from selfservice.accounts.permissions import Permission
from selfservice.accounts.steps import Purpose
from selfservice.audit.actions import Action, Actor, Kind, Outcome
from selfservice.errors import ApplicationError
from selfservice.web.access import current_actor, current_address, myself, open_to_everyone, requires
from selfservice.web.services import services

blueprint = APIBlueprint("passkeys", __name__, enable_openapi=False)

_WAY = "passkey"


@blueprint.post("/sign-in/passkey/options")
@open_to_everyone
def sign_in_options() -> ResponseReturnValue:
    """What the browser asks its owner for: a passkey of whoever is awaited, or of anybody."""
    try:
        person = awaited_person()[0] if request.form.get("second") else None
        key, options = services().sign_in.passkeys.begin_to_use(person)
    except ApplicationError as error:
        return jsonify(detail=error.sentence), error.status
    remember(Purpose.PASSKEY_USE, key)
    return jsonify(options)


@blueprint.post("/sign-in/passkey")
@open_to_everyone
def sign_in() -> ResponseReturnValue:
    """Let the owner of a passkey in."""
    key = remembered(Purpose.PASSKEY_USE)
    address = current_address()
    services().accounts.lockout.check(f"passkeys from {address}", address)
    try:
        person = services().sign_in.passkeys.use(key, _credential())
    except PasskeyRefused:
        services().accounts.lockout.note_wrong(f"passkeys from {address}", address)
        actor = Actor("anonymous", "session", address)
        refused = Action(Kind.ACCOUNT_SIGN_IN, actor, "somebody with a passkey", Outcome.REFUSED)
        services().journal.append(refused)
        raise
    session.pop(f"step:{Purpose.PASSKEY_USE}", None)
    if request.form.get("second"):
        return after_second_factor(_WAY)
    return enter(person, _WAY, request.form.get("next", ""), second_factor=True)


@blueprint.post("/account/passkeys/options")
@requires(Permission.ACCOUNT_SELF)
def options() -> ResponseReturnValue:
    """What the browser makes a passkey from; the password is asked for again."""
    me = myself()
    try:
        if me.password_hash:
            services().accounts.confirm_password(me, request.form.get("password", ""), current_actor())
        key, wanted = services().sign_in.passkeys.begin_to_add(me)
    except ApplicationError as error:
        return jsonify(detail=error.sentence), error.status
    remember(Purpose.PASSKEY_ADD, key)
    return jsonify(wanted)


@blueprint.post("/account/passkeys")
@requires(Permission.ACCOUNT_SELF)
def add() -> ResponseReturnValue:
    """Keep a passkey; recovery codes are shown once, where they are the first."""
    me, key = myself(), remembered(Purpose.PASSKEY_ADD)
    codes = services().sign_in.passkeys.add(key, request.form.get("title", ""), _credential(), me, current_actor())
    session.pop(f"step:{Purpose.PASSKEY_ADD}", None)
    services().accounts.sessions.note_second_factor(me.session_key)
    if codes:
        return render_template("accounts/recovery_codes.html", codes=codes), 200, {"Cache-Control": "no-store"}
    flash("The passkey is added.", "success")
    return redirect(url_for("second_factor.index"), 303)


@blueprint.post("/account/passkeys/<int:number>/remove")
@requires(Permission.ACCOUNT_SELF)
def remove(number: int) -> ResponseReturnValue:
    """Take one of my passkeys out of use."""
    me = myself()
    if me.password_hash:
        services().accounts.confirm_password(me, request.form.get("password", ""), current_actor())
    services().sign_in.passkeys.remove(number, me, current_actor())
    flash("The passkey is removed. Remove it from your device as well.", "success")
    return redirect(url_for("second_factor.index"), 303)


def _credential() -> dict[str, Any]:
    try:
        credential = json.loads(request.form.get("credential", ""))
    except ValueError:
        raise PasskeyRefused from None
    if not isinstance(credential, dict):
        raise PasskeyRefused
    return credential
