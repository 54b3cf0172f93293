"""The pages of accounts: sign in, sign out, change the password."""

from __future__ import annotations

from urllib.parse import urlsplit

from apiflask import APIBlueprint
from flask import flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_user, logout_user

from selfservice.accounts.errors import SignInRefused
from selfservice.accounts.forms import PasswordForm, SignInForm
from selfservice.accounts.models import Person
from selfservice.accounts.permissions import Permission
from selfservice.errors import BadInput
from selfservice.web.access import current_actor, current_address, current_agent, myself, open_to_everyone, requires
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
        person = services().accounts.check_password(form.name.data, form.password.data, current_address())
    except SignInRefused as refusal:
        return _sign_in_page(form, refusal.status, refusal.sentence)
    enter(person, "password")
    return redirect(wanted)


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
    """Change the password of the person who is signed in."""
    form = PasswordForm()
    if not form.validate_on_submit():
        return _password_page(form, 422 if form.is_submitted() else 200)
    if form.new.data != form.again.data:
        form.again.errors = ["This is not the same as the new password above."]
        return _password_page(form, 422)
    try:
        changed = services().accounts.change_password(myself(), form.old.data, form.new.data, current_actor())
    except BadInput as error:
        (form.new if error.field == "new" else form.old).errors = [error.sentence]
        return _password_page(form, error.status)
    services().accounts.sessions.begin(changed, "password", current_address(), current_agent())
    _start_session(changed)
    flash("Your password is changed. All your other sessions have ended.", "success")
    return redirect(url_for("home.index"))


def own_path(target: str | None) -> str:
    """`target` where it is a path on this node, else the first page: nobody is led elsewhere."""
    home = url_for("home.index")
    if not target or not target.startswith("/") or target.startswith("//"):
        return home
    if "\\" in target or not target.isprintable():
        return home
    parts = urlsplit(target)
    return home if parts.scheme or parts.netloc else target


def enter(person: Person, way: str) -> None:
    """Sign in `person`, who has shown by `way` who they are."""
    _start_session(services().accounts.enter(person, way, current_address(), current_agent()))


def _start_session(person: Person) -> None:
    """A fresh cookie: nothing of the one before stays."""
    session.clear()
    session.permanent = True
    login_user(person)


def _sign_in_page(form: SignInForm, status: int, refusal: str = "") -> ResponseReturnValue:
    return render_template("accounts/sign_in.html", form=form, refusal=refusal), status


def _password_page(form: PasswordForm, status: int) -> ResponseReturnValue:
    return render_template("accounts/password.html", form=form), status
