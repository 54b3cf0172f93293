"""The pages of teams: who is in which."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from selfservice.accounts.permissions import Permission
from selfservice.errors import ApplicationError, BadInput, ChangedMeanwhile
from selfservice.projects.access import Grant
from selfservice.web.access import current_actor, current_person, requires
from selfservice.web.services import services

blueprint = APIBlueprint("teams", __name__, enable_openapi=False)


@blueprint.get("/teams")
@requires(Permission.PERSON_READ)
def index() -> ResponseReturnValue:
    """Every team, and a form to make one."""
    return _index()


@blueprint.post("/teams")
@requires(Permission.PROJECT_EDIT)
def create() -> ResponseReturnValue:
    """Make a team."""
    try:
        team = services().teams.create(
            request.form.get("name", ""), request.form.get("description", ""), current_actor()
        )
    except BadInput as error:
        return _index(error), error.status
    flash(f"The team {team.name} is made. Now say who is in it.", "success")
    return redirect(url_for("teams.show", name=team.name), 303)


@blueprint.get("/teams/<name>")
@requires(Permission.PERSON_READ)
def show(name: str) -> ResponseReturnValue:
    """One team."""
    return _show(name)


@blueprint.post("/teams/<name>")
@requires(Permission.PROJECT_EDIT)
def change(name: str) -> ResponseReturnValue:
    """Change who is in it."""
    form = request.form
    members, version = form.getlist("members"), form.get("version", 0, type=int)
    try:
        services().teams.change(name, form.get("description", ""), members, version, current_actor())
    except (BadInput, ChangedMeanwhile) as error:
        return _show(name, error), error.status
    flash(f"The team {name} is changed.", "success")
    return redirect(url_for("teams.show", name=name), 303)


@blueprint.post("/teams/<name>/remove")
@requires(Permission.PROJECT_EDIT)
def remove(name: str) -> ResponseReturnValue:
    """Remove it; the access it gave ends."""
    services().teams.remove(name, current_actor())
    flash(f"The team {name} is removed, and with it the access it gave.", "success")
    return redirect(url_for("teams.index"), 303)


def _index(error: BadInput | None = None) -> str:
    teams = services().teams
    return render_template(
        "projects/teams.html",
        rows=[(team, teams.members(team)) for team in teams.all()],
        typed=request.form,
        errors={error.field: error.sentence} if error else {},
        may_edit=current_person().may(Permission.PROJECT_EDIT),
    )


def _show(name: str, error: ApplicationError | None = None) -> str:
    team, field = services().teams.get(name), error.field if isinstance(error, BadInput) else None
    members = {person.name for person in services().teams.members(team)}
    return render_template(
        "projects/team.html",
        team=team,
        people=services().accounts.people.all(),
        members=set(request.form.getlist("members")) if error else members,
        description=request.form.get("description", team.description),
        grants=[each for each in services().access.all() if _is_its(each, name)],
        errors={field: error.sentence} if error and field else {},
        refusal=error.sentence if error and not field else "",
        may_edit=current_person().may(Permission.PROJECT_EDIT),
    )


def _is_its(grant: Grant, team: str) -> bool:
    return (grant.whom.kind, grant.whom.name) == ("team", team)
