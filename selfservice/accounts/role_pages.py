"""The pages of roles: which there are, and which rights each gives."""

from __future__ import annotations

from itertools import groupby

from apiflask import APIBlueprint
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from selfservice.accounts.models import Role
from selfservice.accounts.permissions import EVERYBODY, MEANINGS, Permission
from selfservice.errors import ApplicationError, BadInput, ChangedMeanwhile
from selfservice.web.access import current_author, current_person, requires
from selfservice.web.services import services

blueprint = APIBlueprint("roles", __name__, enable_openapi=False)


@blueprint.get("/roles")
@requires(Permission.PERSON_READ)
def index() -> ResponseReturnValue:
    """Every role, how many have it, and what it may."""
    roles = services().accounts.roles
    return render_template(
        "accounts/roles.html",
        roles=roles.all(),
        counts=roles.counts(),
        total=len(Permission),
        may_edit=current_person().may(Permission.ROLE_EDIT),
    )


@blueprint.get("/roles/new")
@requires(Permission.ROLE_EDIT)
def new() -> ResponseReturnValue:
    """A form for a role, filled from another one where `like` names it."""
    like = request.args.get("like", "")
    rights = services().accounts.roles.get(like).rights & current_person().permissions if like else EVERYBODY
    return _form(None, Role(name="", description="", permissions=sorted(rights)))


@blueprint.post("/roles/new")
@requires(Permission.ROLE_EDIT)
def add() -> ResponseReturnValue:
    """Make a role."""
    wanted = _wanted(request.form.get("name", ""))
    try:
        role = services().accounts.roles.create(wanted.name, wanted.description, wanted.permissions, current_author())
    except BadInput as error:
        return _form(None, wanted, error), error.status
    flash(f"The role {role.title} is made.", "success")
    return redirect(url_for("roles.index"), 303)


@blueprint.get("/roles/<name>")
@requires(Permission.PERSON_READ)
def show(name: str) -> ResponseReturnValue:
    """One role with its rights."""
    role = services().accounts.roles.get(name)
    return _form(role, role)


@blueprint.post("/roles/<name>")
@requires(Permission.ROLE_EDIT)
def change(name: str) -> ResponseReturnValue:
    """Give it other rights."""
    roles, wanted = services().accounts.roles, _wanted(name)
    version = request.form.get("version", 0, type=int)
    try:
        roles.change(name, wanted.description, wanted.permissions, version, current_author())
    except (BadInput, ChangedMeanwhile) as error:
        return _form(roles.get(name), wanted, error), error.status
    flash(f"The role {wanted.title} is changed.", "success")
    return redirect(url_for("roles.show", name=name), 303)


@blueprint.post("/roles/<name>/remove")
@requires(Permission.ROLE_EDIT)
def remove(name: str) -> ResponseReturnValue:
    """Remove a role that nobody has."""
    services().accounts.roles.remove(name, current_author())
    flash(f"The role {name} is removed.", "success")
    return redirect(url_for("roles.index"), 303)


def _wanted(name: str) -> Role:
    """What the form says."""
    return Role(
        name=name.strip(),
        description=request.form.get("description", ""),
        permissions=request.form.getlist("permissions"),
    )


def _form(role: Role | None, wanted: Role, error: ApplicationError | None = None) -> str:
    field = error.field if isinstance(error, BadInput) else None
    by_subject = groupby(sorted(Permission), key=lambda each: each.partition(":")[0])
    return render_template(
        "accounts/role.html",
        role=role,
        wanted=wanted,
        subjects=[(subject, list(rights)) for subject, rights in by_subject],
        meanings=MEANINGS,
        everybody=EVERYBODY,
        own=current_person().permissions - EVERYBODY,
        errors={field: error.sentence} if error and field else {},
        refusal=error.sentence if error and not field else "",
        may_edit=current_person().may(Permission.ROLE_EDIT) and not (role and role.builtin),
        may_copy=current_person().may(Permission.ROLE_EDIT),
    )
