"""The pages of people: who there is, and what is decided about each."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from selfservice.accounts.builtin_roles import VIEWER
from selfservice.accounts.errors import LastAdministrator
from selfservice.accounts.models import Person
from selfservice.accounts.people import Standing, standing_of
from selfservice.accounts.permissions import Permission
from selfservice.errors import ApplicationError, BadInput, ChangedMeanwhile
from selfservice.web.access import current_actor, current_author, current_person, requires
from selfservice.web.services import services, whole_services

blueprint = APIBlueprint("people", __name__, enable_openapi=False)


@blueprint.get("/people")
@requires(Permission.PERSON_READ)
def index() -> ResponseReturnValue:
    """Everybody with their roles, and a form to add somebody."""
    return _index()


@blueprint.post("/people")
@requires(Permission.PERSON_EDIT)
def add() -> ResponseReturnValue:
    """Add somebody, and show their first password this once."""
    form = request.form
    try:
        person, password = services().accounts.add_person(
            form.get("name", ""), form.get("display_name", ""), form.get("role", ""), current_author()
        )
    except BadInput as error:
        return _index(error), error.status
    return _password(person, password)


@blueprint.get("/people/<name>")
@requires(Permission.PERSON_READ)
def show(name: str) -> ResponseReturnValue:
    """One person."""
    person = services().accounts.people.get(name)
    return _show(person, standing_of(person))


@blueprint.post("/people/<name>")
@requires(Permission.PERSON_EDIT)
def change(name: str) -> ResponseReturnValue:
    """Change name to show, role, manager, in use or not."""
    people, form = services().accounts.people, request.form
    wanted = Standing(
        form.get("display_name", "").strip(), form.get("role", ""), "is_manager" in form, "active" in form
    )
    try:
        people.change(name, wanted, form.get("version", 0, type=int), current_author())
    except (BadInput, ChangedMeanwhile, LastAdministrator) as error:
        return _show(people.get(name), wanted, error), error.status
    disabled = 0 if wanted.active else whole_services().schedules.disable_of(name, current_actor())
    told = f" {disabled} schedule{'' if disabled == 1 else 's'} of theirs: disabled, until somebody takes them over."
    flash(f"{name} is changed.{told if disabled else ''}", "success")
    return redirect(url_for("people.show", name=name), 303)


@blueprint.post("/people/<name>/password")
@requires(Permission.PERSON_EDIT)
def new_password(name: str) -> ResponseReturnValue:
    """Give somebody who forgot theirs a new password, and show it this once."""
    return _password(*services().accounts.new_password(name, current_author()))


@blueprint.post("/people/<name>/second-factor/reset")
@requires(Permission.PERSON_EDIT)
def reset_second_factor(name: str) -> ResponseReturnValue:
    """Take every second factor from somebody who has lost it."""
    services().accounts.people.reset_second_factor(name, current_author())
    flash(f"{name} signs in without a second factor until they add one.", "success")
    return redirect(url_for("people.show", name=name), 303)


def _index(error: BadInput | None = None) -> str:
    return render_template(
        "accounts/people.html",
        people=services().accounts.people.all(),
        roles=services().accounts.roles.all(),
        suggested=request.form.get("role", VIEWER),
        errors={error.field: error.sentence} if error else {},
        typed=request.form,
        may_edit=current_person().may(Permission.PERSON_EDIT),
    )


def _show(person: Person, wanted: Standing, error: ApplicationError | None = None) -> str:
    field = error.field if isinstance(error, BadInput) else None
    return render_template(
        "accounts/person.html",
        shown=person,
        wanted=wanted,
        roles=services().accounts.roles.all(),
        errors={field: error.sentence} if error and field else {},
        refusal=error.sentence if error and not field else "",
        factors=services().sign_in.second_factors.of(person),
        may_edit=current_person().may(Permission.PERSON_EDIT),
    )


def _password(person: Person, password: str) -> ResponseReturnValue:
    page = render_template("accounts/first_password.html", shown=person, password=password)
    return page, 200, {"Cache-Control": "no-store"}
