"""The pages of what a mailbox shows: sign up, a forgotten password, the own e-mail address."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from selfservice.accounts.entering import after_first_factor, remember, remembered
from selfservice.accounts.errors import SignUpClosed, TooManyMails
from selfservice.accounts.permissions import Permission
from selfservice.accounts.steps import Purpose
from selfservice.errors import ApplicationError, BadInput, Unavailable
from selfservice.web.access import current_actor, current_address, myself, open_to_everyone, requires
from selfservice.web.services import services

blueprint = APIBlueprint("by_mail", __name__, enable_openapi=False)


@blueprint.get("/sign-up")
@open_to_everyone
def sign_up() -> ResponseReturnValue:
    """Ask for the address of whoever wants an account."""
    if not services().accounts.security.current().sign_up:
        raise SignUpClosed
    return render_template("accounts/sign_up.html", errors={}, typed={})


@blueprint.post("/sign-up")
@open_to_everyone
def send_code() -> ResponseReturnValue:
    """Send a code there."""
    try:
        key = services().sign_in.by_mail.begin_sign_up(request.form.get("email", ""), current_address())
    except (BadInput, TooManyMails, Unavailable) as error:
        return _again("sign_up", error)
    remember(Purpose.SIGN_UP, key)
    return redirect(url_for("by_mail.new_account"), 303)


@blueprint.get("/sign-up/account")
@open_to_everyone
def new_account() -> ResponseReturnValue:
    """Ask for the code, a name and a password."""
    services().sign_in.steps.look(Purpose.SIGN_UP, remembered(Purpose.SIGN_UP))
    return render_template("accounts/new_account.html", errors={}, typed={})


@blueprint.post("/sign-up/account")
@open_to_everyone
def make_account() -> ResponseReturnValue:
    """Make the account, and let its person in."""
    form, key = request.form, remembered(Purpose.SIGN_UP)
    values = (form.get("code", "")[:64], form.get("name", ""), form.get("password", ""))
    try:
        person = services().sign_in.by_mail.sign_up(key, *values, current_address())
    except BadInput as error:
        return _again("new_account", error)
    return after_first_factor(person, "sign-up", "")


@blueprint.get("/forgotten-password")
@open_to_everyone
def forgotten() -> ResponseReturnValue:
    """Ask whose password is forgotten."""
    return render_template("accounts/forgotten_password.html", errors={}, typed={}, sent=False)


@blueprint.post("/forgotten-password")
@open_to_everyone
def send_link() -> ResponseReturnValue:
    """Send a link, where there is somebody to send it to; the page says the same in any case."""
    try:
        services().sign_in.by_mail.begin_reset(request.form.get("name", "")[:254], current_address())
    except (TooManyMails, Unavailable) as error:
        return _again("forgotten_password", error)
    return render_template("accounts/forgotten_password.html", errors={}, typed={}, sent=True)


@blueprint.get("/reset-password")
@open_to_everyone
def reset() -> ResponseReturnValue:
    """Ask for the new password."""
    key = request.args.get("key", "")
    person = services().sign_in.by_mail.reset_person(key)
    return render_template("accounts/reset_password.html", errors={}, typed={"key": key}, name=person.name)


@blueprint.post("/reset-password")
@open_to_everyone
def choose_password() -> ResponseReturnValue:
    """Keep the new password; who has a second factor is asked for it at the next sign-in."""
    form, parts = request.form, services().sign_in
    name = parts.by_mail.reset_person(form.get("key", "")).name
    try:
        if form.get("new") != form.get("again"):
            raise BadInput("This is not the same as the new password above.", "again")
        parts.by_mail.reset(form.get("key", ""), form.get("new", ""), current_address())
    except BadInput as error:
        return _again("reset_password", error, name=name)
    flash("Your password is changed. Sign in with it.", "success")
    return redirect(url_for("accounts.sign_in"), 303)


@blueprint.get("/account/email")
@requires(Permission.ACCOUNT_SELF)
def email() -> ResponseReturnValue:
    """Ask for another address of mine."""
    return render_template("accounts/email.html", errors={}, typed={}, me=myself())


@blueprint.post("/account/email")
@requires(Permission.ACCOUNT_SELF)
def send_email_code() -> ResponseReturnValue:
    """Send a code there; the password is asked for again."""
    me = myself()
    try:
        if me.password_hash:
            services().accounts.confirm_password(me, request.form.get("password", ""), current_actor())
        key = services().sign_in.by_mail.begin_email(me, request.form.get("email", ""), current_address())
    except (BadInput, TooManyMails, Unavailable) as error:
        return _again("email", error, me=me)
    remember(Purpose.EMAIL, key)
    return redirect(url_for("by_mail.email_code"), 303)


@blueprint.get("/account/email/code")
@requires(Permission.ACCOUNT_SELF)
def email_code() -> ResponseReturnValue:
    """Ask for the code."""
    return render_template("accounts/email_code.html", errors={}, typed={})


@blueprint.post("/account/email/code")
@requires(Permission.ACCOUNT_SELF)
def change_email() -> ResponseReturnValue:
    """The address is mine."""
    key = remembered(Purpose.EMAIL)
    try:
        address = services().sign_in.by_mail.change_email(
            key, request.form.get("code", "")[:64], myself(), current_actor()
        )
    except BadInput as error:
        return _again("email_code", error)
    flash(f"Your e-mail address is {address}.", "success")
    return redirect(url_for("profile.index"), 303)


def _again(page: str, error: ApplicationError, **more: object) -> ResponseReturnValue:
    """The page once more, with what was wrong; passwords are typed anew."""
    field = (error.field if isinstance(error, BadInput) else None) or "form"
    typed = {name: value for name, value in request.form.items() if name not in ("password", "new", "again")}
    template = f"accounts/{page}.html"
    return render_template(template, errors={field: error.sentence}, typed=typed, sent=False, **more), error.status
