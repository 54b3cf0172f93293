"""The forms of accounts: what is typed and what is said when it cannot be used."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired, Length

from selfservice.accounts.passwords import MAXIMUM_LENGTH, MINIMUM_LENGTH


class SignInForm(FlaskForm):  # type: ignore[misc]
    """Name and password."""

    name = StringField(
        "Name",
        [InputRequired("Type your name."), Length(max=254, message="Names have at most 64 characters, addresses 254.")],
        render_kw={"autocomplete": "username", "autocapitalize": "none", "autofocus": True},
    )
    password = PasswordField(
        "Password",
        [InputRequired("Type your password.")],
        render_kw={"autocomplete": "current-password"},
    )
    next = HiddenField()


class FirstPasswordForm(FlaskForm):  # type: ignore[misc]
    """A new password, twice."""

    new = PasswordField(
        "New password",
        [InputRequired("Type the new password."), Length(max=MAXIMUM_LENGTH)],
        description=f"At least {MINIMUM_LENGTH} characters. A few unrelated words are easy to remember.",
        render_kw={"autocomplete": "new-password", "minlength": MINIMUM_LENGTH},
    )
    again = PasswordField(
        "New password again",
        [InputRequired("Type the new password a second time.")],
        render_kw={"autocomplete": "new-password"},
    )


class PasswordForm(FirstPasswordForm):
    """The present password, and the next one twice."""

    old = PasswordField(
        "Present password",
        [InputRequired("Type your present password.")],
        render_kw={"autocomplete": "current-password"},
    )
