"""The access grid: people and teams by projects, changed in place."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from selfservice.accounts.permissions import Permission
from selfservice.errors import BadInput, ChangedMeanwhile
from selfservice.projects.access import LEVELS, Whom
from selfservice.web.access import current_actor, requires
from selfservice.web.services import services

blueprint = APIBlueprint("access", __name__, enable_openapi=False)

_CELL = "access/"


@blueprint.get("/access")
@requires(Permission.PROJECT_EDIT)
def index() -> ResponseReturnValue:
    """Everybody's access to every project."""
    return _grid()


@blueprint.post("/access")
@requires(Permission.PROJECT_EDIT)
def save() -> ResponseReturnValue:
    """Change the cells that are not as they were; those that somebody else changed meanwhile stay, and are told."""
    changed, refused = 0, []
    for cell, level in request.form.items():
        seen = request.form.get(f"seen/{cell}")
        if not cell.startswith(_CELL) or level == seen:
            continue
        kind, name, project = cell.removeprefix(_CELL).split("/", 2)
        try:
            services().access.give(
                services().projects.get(project), Whom(kind, name), level, current_actor(), seen=seen
            )
            changed += 1
        except (BadInput, ChangedMeanwhile) as error:
            refused.append(error.sentence)
    if refused:
        return _grid(refused), 409
    flash(f"{changed} change{'' if changed == 1 else 's'} of access saved.", "success")
    return redirect(url_for("access.index"), 303)


def _grid(refused: list[str] | None = None) -> str:
    people = [person for person in services().accounts.people.all() if person.active]
    grants = {(each.whom.kind, each.whom.name, each.project): each for each in services().access.all()}
    return render_template(
        "projects/access.html",
        projects=services().projects.all(),
        rows=[("person", each.name, _mark(each)) for each in people]
        + [("team", each.name, "") for each in services().teams.all()],
        grants=grants,
        levels=list(LEVELS),
        refused=refused or [],
    )


def _mark(person: object) -> str:
    """Why somebody's cells do not say all: these see every project anyway."""
    if getattr(person, "is_administrator", False):
        return "administrator"
    return "manager" if getattr(person, "is_manager", False) else ""
