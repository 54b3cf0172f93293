"""The pages of signing in: name and password, second factor, sign out, change the password."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, logout_user

from selfservice.accounts.entering import (
    after_first_factor,
    after_second_factor,
    awaited_person,
    own_path,
    start_session,
)
from selfservice.accounts.errors import SignInRefused
from selfservice.accounts.forms import FirstPasswordForm, PasswordForm, SignInForm
from selfservice.accounts.permissions import Permission
from selfservice.accounts.providers import ProviderKind, SignInElsewhereFailed
from selfservice.errors import BadInput, Forbidden, Unavailable
from selfservice.web.access import (
    current_actor,
    current_address,
    current_agent,
    myself,
    open_to_everyone,
    requires,
)
from selfservice.web.services import services

blueprint = APIBlueprint("accounts", __name__, enable_openapi=False)


@blueprint.route("/sign-in", methods=["GET", "POST"])
@open_to_everyone
def sign_in() -> ResponseReturnValue:
    """Ask for name and password, and go on to where the person wanted to be."""
    form = SignInForm(next=request.args.get("next", ""))
    wanted = own_path(form.next.data)
    if current_user.is_authenticated:
        return redirect(wanted)
    if not form.validate_on_submit():
        return _sign_in_page(form, 422 if form.is_submitted() else 200)
    try:
        name, typed = form.name.data, form.password.data
        person, way, second_factor = services().sign_in.passwords.check(name, typed, current_address())
    except (SignInRefused, SignInElsewhereFailed, Unavailable) as refusal:
        return _sign_in_page(form, refusal.status, refusal.sentence)
    return after_first_factor(person, way, wanted, second_factor=second_factor)


@blueprint.get("/sign-in/second-factor")
@open_to_everyone
def second_factor() -> ResponseReturnValue:
    """Ask for a code or a passkey."""
    if current_user.is_authenticated:
        return redirect(url_for("home.index"))
    return _second_factor_page()


@blueprint.post("/sign-in/second-factor")
@open_to_everyone
def check_code() -> ResponseReturnValue:
    """Let somebody with the right code in."""
    person, _ = awaited_person()
    try:
        factor = services().sign_in.second_factors.check(person, request.form.get("code", "")[:64], current_address())
    except BadInput as error:
        return _second_factor_page(error.sentence), error.status
    answer = after_second_factor(factor)
    left = services().sign_in.second_factors.of(person).recovery_codes
    if factor == "recovery code":
        flash(f"You have {left} recovery codes left. Make new ones under My account.", "warning")
    return answer


@blueprint.post("/sign-out")
@requires(Permission.ACCOUNT_SELF)
def sign_out() -> ResponseReturnValue:
    """End this session."""
    services().accounts.sign_out(myself(), current_actor())
    logout_user()
    session.clear()
    flash("You are signed out.", "success")
    return redirect(url_for("accounts.sign_in"))


@blueprint.route("/account/password", methods=["GET", "POST"])
@requires(Permission.ACCOUNT_SELF)
def password() -> ResponseReturnValue:
    """Change the password of the person who is signed in; who has none chooses one."""
    me, first = myself(), services().sign_in.first_passwords
    if not me.password_hash and (sentence := first.why_not(me)):
        raise Forbidden(sentence)
    form = PasswordForm() if me.password_hash else FirstPasswordForm()
    if not form.validate_on_submit():
        return _password_page(form, 422 if form.is_submitted() else 200)
    if form.new.data != form.again.data:
        form.again.errors = ["This is not the same as the new password above."]
        return _password_page(form, 422)
    accounts = services().accounts
    shown = accounts.sessions.showed_second_factor(me.session_key)
    try:
        if me.password_hash:
            changed = accounts.change_password(me, form.old.data, form.new.data, current_actor())
        else:
            changed = first.choose(me, form.new.data, current_actor())
    except BadInput as error:
        (form.old if error.field == "old" else form.new).errors = [error.sentence]
        return _password_page(form, error.status)
    accounts.sessions.begin(changed, "password", current_address(), current_agent(), second_factor=shown)
    start_session(changed)
    done = "changed" if me.password_hash else "kept"
    flash(f"Your password is {done}. All your other sessions have ended.", "success")
    return redirect(url_for("home.index"))


def _sign_in_page(form: SignInForm, status: int, refusal: str = "") -> ResponseReturnValue:
    parts = services().sign_in
    page = render_template(
        "accounts/sign_in.html",
        form=form,
        refusal=refusal,
        passkey_address=parts.passkeys.address,
        providers=parts.providers.in_use(ProviderKind.OPENID, ProviderKind.FACEBOOK),
        sign_up=services().accounts.security.current().sign_up and parts.mail.is_set_up,
        mails=parts.mail.is_set_up,
    )
    return page, status


def _second_factor_page(wrong: str = "") -> str:
    person, _ = awaited_person()
    factors = services().sign_in.second_factors.of(person)
    return render_template("accounts/second_factor.html", name=person.name, factors=factors, wrong=wrong)


def _password_page(form: FirstPasswordForm, status: int) -> ResponseReturnValue:
    return render_template("accounts/password.html", form=form), status
