"""The page of what groups of directories and providers give: roles, and access to projects."""

from __future__ import annotations

from dataclasses import dataclass

from apiflask import APIBlueprint
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from selfservice.accounts.permissions import Permission
from selfservice.accounts.providers import ProviderKind, ProviderSettings
from selfservice.errors import ApplicationError, BadInput
from selfservice.projects.access import LEVELS
from selfservice.projects.models import Project
from selfservice.scope import Level, Scope
from selfservice.web.access import current_actor, current_author, requires
from selfservice.web.services import current_sight, services

blueprint = APIBlueprint("groups", __name__, url_prefix="/security/groups", enable_openapi=False)


@dataclass(frozen=True)
class RoleRow:
    """A group that gives a role at a provider."""

    provider: str
    title: str
    group: str
    role: str
    #: Its place: the first that fits counts.
    place: int


@dataclass(frozen=True)
class AccessRow:
    """A group that gives access to a project, whichever provider names it."""

    project: Project
    group: str
    level: str


@blueprint.get("")
@requires(Permission.SECURITY_EDIT)
def index() -> ResponseReturnValue:
    """All of them."""
    return _page()


@blueprint.post("/roles")
@requires(Permission.SECURITY_EDIT)
def change_role() -> ResponseReturnValue:
    """Let a group give a role at a provider, another one, or with `role` empty none any more."""
    form = request.form
    group, role = form.get("group", "").strip(), form.get("role", "")
    try:
        services().sign_in.providers.map_group(
            form.get("provider", ""), group, role, current_author(), seen=form.get("seen", "")
        )
    except ApplicationError as error:
        return _page(error, "role")
    flash(f"{group} gives {f'the role {role}' if role else 'no role any more'}, from the next sign-in on.", "success")
    return redirect(url_for("groups.index"), 303)


@blueprint.post("/access")
@requires(Permission.SECURITY_EDIT)
def change_access() -> ResponseReturnValue:
    """Let a group give access to a project, another one, or with the level `none` none any more."""
    form = request.form
    group, level = form.get("group", "").strip(), form.get("level", "")
    try:
        project = services().projects.managed(form.get("project", ""))
        services().access.map_group(project, group, level, current_actor(), seen=form.get("seen", "none"))
    except ApplicationError as error:
        return _page(error, "access")
    given = "no access any more" if level == "none" else f"the access {level}"
    flash(f"{group} gives {given} to {project.title}, from the next sign-in on.", "success")
    return redirect(url_for("groups.index"), 303)


def _page(error: ApplicationError | None = None, form: str = "") -> ResponseReturnValue:
    """With what is wrong beside its field, where it is of one of the forms for something new."""
    field = f"{form}_{error.field}" if isinstance(error, BadInput) and error.field else ""
    providers = [each for each in services().sign_in.providers.all() if each.kind != ProviderKind.FACEBOOK]
    managed = [each for each in services().projects.all() if _manages(each)]
    return render_template(
        "accounts/groups.html",
        role_rows=[
            RoleRow(each.name, each.title, group, role, place)
            for each in providers
            for place, (group, role) in enumerate(ProviderSettings.model_validate(each.settings).group_roles, start=1)
        ],
        access_rows=[
            AccessRow(project, each.group_name, Level(each.level).word)
            for project in managed
            for each in services().access.groups(project)
        ],
        providers=providers,
        roles=services().accounts.roles.all(),
        projects=managed,
        levels=list(LEVELS),
        typed=request.form if error else {},
        errors={field: error.sentence} if error and field else {},
        refusal=error.sentence if error and not field else "",
    ), error.status if error else 200


def _manages(project: Project) -> bool:
    return current_sight().may(Permission.PROJECT_MANAGE, Scope(project.name))
