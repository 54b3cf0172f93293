"""The pages of projects: which there are, what belongs to each, who has access, its secrets and its SSH settings."""

from __future__ import annotations

from collections import Counter
from typing import Any

from apiflask import APIBlueprint
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from selfservice.accounts.permissions import Permission
from selfservice.errors import ApplicationError, BadInput, ChangedMeanwhile
from selfservice.projects.access import LEVELS, Whom
from selfservice.projects.models import CommandRule, Project
from selfservice.projects.projects import Plan, plan_of
from selfservice.projects.ssh import SshPlan
from selfservice.projects.ssh import plan_of as ssh_plan_of
from selfservice.runs.listing import RunQuery
from selfservice.scope import Level, Scope
from selfservice.web.access import current_actor, current_person, requires
from selfservice.web.services import current_sight, services

blueprint = APIBlueprint("projects", __name__, enable_openapi=False)

_RECENT = 8
COMMAND_RULES = {
    CommandRule.AS_OPERATIONS: "Held back as its operations are",
    CommandRule.FREE: "Free: they run at once",
    CommandRule.APPROVAL: "Somebody else approves each of them",
    CommandRule.REFUSED: "Not allowed: operations only",
}


@blueprint.get("/projects")
@requires(Permission.PROJECT_READ)
def index() -> ResponseReturnValue:
    """The projects that this person has access to."""
    projects, belongings = services().projects.all(), services().sights.belongings()
    owners = Counter(name for host in services().inventory.hosts() for name in belongings.of_host(host.name))
    return render_template(
        "projects/index.html",
        rows=[
            {
                "project": project,
                "hosts": owners[project.name],
                "level": current_sight().level(Scope(project.name)).word,
            }
            for project in projects
        ],
        may_edit=current_person().may(Permission.PROJECT_EDIT),
    )


@blueprint.get("/projects/new")
@requires(Permission.PROJECT_EDIT)
def new() -> ResponseReturnValue:
    """A form for a project."""
    return _form(None, Plan(""))


@blueprint.post("/projects/new")
@requires(Permission.PROJECT_EDIT)
def create() -> ResponseReturnValue:
    """Make it."""
    try:
        plan = _sent_plan()
        project = services().projects.create(request.form.get("name", ""), plan, current_actor())
    except BadInput as error:
        return _form(None, _sent_plan(lenient=True), error), error.status
    flash(f"The project {project.title} is made. Now give people access to it.", "success")
    return redirect(url_for("projects.show", name=project.name), 303)


@blueprint.get("/projects/<name>")
@requires(Permission.PROJECT_READ)
def show(name: str) -> ResponseReturnValue:
    """One project: what belongs to it, its latest runs; for its admins also access, secrets and SSH."""
    return _show(services().projects.get(name))


@blueprint.get("/projects/<name>/edit")
@requires(Permission.PROJECT_EDIT)
def edit(name: str) -> ResponseReturnValue:
    """The form, filled with what it is now."""
    project = services().projects.get(name)
    return _form(project, plan_of(project))


@blueprint.post("/projects/<name>/edit")
@requires(Permission.PROJECT_EDIT)
def change(name: str) -> ResponseReturnValue:
    """Change what belongs to it."""
    projects = services().projects
    try:
        projects.change(name, _sent_plan(), request.form.get("version", 0, type=int), current_actor())
    except (BadInput, ChangedMeanwhile) as error:
        return _form(projects.get(name), _sent_plan(lenient=True), error), error.status
    flash("The project is changed.", "success")
    return redirect(url_for("projects.show", name=name), 303)


@blueprint.post("/projects/<name>/remove")
@requires(Permission.PROJECT_EDIT)
def remove(name: str) -> ResponseReturnValue:
    """Remove it, with its access and secrets."""
    services().projects.remove(name, current_actor())
    flash("The project is removed; its hosts and runs stay.", "success")
    return redirect(url_for("projects.index"), 303)


@blueprint.post("/projects/<name>/access")
@requires(Permission.PROJECT_MANAGE)
def give_access(name: str) -> ResponseReturnValue:
    """Give a person or a team access, or take it away."""
    project, form = services().projects.managed(name), request.form
    kind, _, whom = form.get("whom", "").partition("/")
    try:
        services().access.give(
            project, Whom(kind, whom), form.get("level", ""), current_actor(), seen=form.get("seen") or None
        )
    except (BadInput, ChangedMeanwhile) as error:
        return _show(project, error), error.status
    flash(f"The access of {whom} is changed.", "success")
    return redirect(url_for("projects.show", name=name, _anchor="access"), 303)


@blueprint.post("/projects/<name>/secrets")
@requires(Permission.PROJECT_MANAGE)
def set_secret(name: str) -> ResponseReturnValue:
    """Keep a value that nobody is shown again."""
    project, form = services().projects.managed(name), request.form
    value = form.get("value", "").replace("\r\n", "\n")
    try:
        services().secrets.set(
            project, form.get("secret", ""), value, form.get("secret_description", ""), current_actor()
        )
    except BadInput as error:
        return _show(project, BadInput(error.sentence, f"secret_{error.field}")), error.status
    flash("The value is kept. Runs that begin from now on get it.", "success")
    return redirect(url_for("projects.show", name=name, _anchor="secrets"), 303)


@blueprint.post("/projects/<name>/secrets/<secret>/remove")
@requires(Permission.PROJECT_MANAGE)
def remove_secret(name: str, secret: str) -> ResponseReturnValue:
    """Forget a value."""
    services().secrets.remove(services().projects.managed(name), secret, current_actor())
    flash(f"{secret} is forgotten.", "success")
    return redirect(url_for("projects.show", name=name, _anchor="secrets"), 303)


@blueprint.post("/projects/<name>/ssh")
@requires(Permission.PROJECT_MANAGE)
def change_ssh(name: str) -> ResponseReturnValue:
    """Change how its hosts are reached."""
    project, form = services().projects.managed(name), request.form
    words = {each: form.get(each, "").replace("\r\n", "\n") for each in ("user", "port", "jump", "known_hosts", "key")}
    plan = SshPlan(**words, passphrase=form.get("passphrase", ""), forget_key="forget_key" in form)
    try:
        services().ssh.change(project, plan, form.get("version", 0, type=int), current_actor())
    except (BadInput, ChangedMeanwhile) as error:
        return _show(services().projects.get(name), error, plan), error.status
    flash("The SSH settings are kept. Test the connection to see what each host says.", "success")
    return redirect(url_for("projects.show", name=name, _anchor="ssh"), 303)


@blueprint.post("/projects/<name>/ssh/test")
@requires(Permission.PROJECT_MANAGE)
def test_ssh(name: str) -> ResponseReturnValue:
    """Try to reach each of its hosts; the answers come together on the project's page."""
    try:
        services().connection_tests.start(services().projects.managed(name), current_actor())
    except BadInput as error:
        flash(error.sentence, "warning")
    return redirect(url_for("projects.show", name=name, _anchor="ssh"), 303)


def _sent_plan(*, lenient: bool = False) -> Plan:
    form = request.form
    lists = {name: tuple(form.get(name, "").splitlines()) for name in ("hosts", "operations", "repositories")}
    steps = form.get("approval_steps", "0").strip() or "0"
    if not steps.isdigit() and not lenient:
        raise BadInput("This must be a whole number.", "approval_steps")
    return Plan(
        form.get("title", ""),
        form.get("description", "").replace("\r\n", "\n"),
        **lists,
        approval_steps=int(steps) if steps.isdigit() else 0,
        commands=form.get("commands", CommandRule.AS_OPERATIONS.value),
    )


def _form(project: Project | None, plan: Plan, error: ApplicationError | None = None) -> str:
    field = error.field if isinstance(error, BadInput) else None
    return render_template(
        "projects/form.html",
        project=project,
        plan=plan,
        typed=request.form,
        command_rules=COMMAND_RULES,
        errors={field: error.sentence} if error and field else {},
        refusal=error.sentence if error and not field else "",
    )


def _show(project: Project, error: ApplicationError | None = None, ssh_plan: SshPlan | None = None) -> str:
    field = error.field if isinstance(error, BadInput) else None
    belongings, level = services().sights.belongings(), services().projects.level(project.name)
    may = current_person().may
    manages = level >= Level.ADMIN and may(Permission.PROJECT_MANAGE)
    return render_template(
        "projects/show.html",
        project=project,
        level=level.word,
        hosts=[each.name for each in services().inventory.hosts() if project.name in belongings.of_host(each.name)],
        runs=services().runs.list(RunQuery(project=project.name, limit=_RECENT)).runs
        if may(Permission.RUN_READ)
        else (),
        schedules=[
            each for each in services().schedules.all() if may(Permission.SCHEDULE_READ) and _is_of(each, project)
        ],
        may_edit=may(Permission.PROJECT_EDIT),
        may_command=may(Permission.COMMAND_LAUNCH),
        may_read_runs=may(Permission.RUN_READ),
        errors={field: error.sentence} if error and field else {},
        refusal=error.sentence if error and not field else "",
        typed=request.form,
        manages=manages,
        **(_managed(project, ssh_plan) if manages else {}),
    )


def _is_of(schedule: Any, project: Project) -> bool:
    """Whether a schedule runs in this project, or on its hosts alone."""
    if schedule.project:
        return bool(schedule.project == project.name)
    scope, belongings = services().schedules.launcher.scope_of(schedule), services().sights.belongings()
    return bool(scope.hosts) and all(project.name in belongings.of_host(host) for host in scope.hosts)


def _managed(project: Project, ssh_plan: SshPlan | None) -> dict[str, Any]:
    """What its admins see beside."""
    return {
        "grants": services().access.of(project),
        "groups": services().access.groups(project),
        "people": services().accounts.people.all(),
        "teams": services().teams.all(),
        "levels": list(LEVELS),
        "targets": services().targets.of_project(project.name),
        "secrets": services().secrets.all(project),
        "ssh": ssh_plan or ssh_plan_of(project),
        "tested": services().connection_tests.last(project),
    }
