"""The pages of an administrator: which repositories this node knows, and whether they answer."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from selfservice.accounts.permissions import Permission
from selfservice.errors import ApplicationError, BadInput
from selfservice.files.inventories import group_of
from selfservice.files.models import RepositoryKind, RepositoryRecord
from selfservice.files.registry import Plan
from selfservice.files.sources import Use
from selfservice.web.access import current_actor, requires
from selfservice.web.services import services

blueprint = APIBlueprint("repositories", __name__, enable_openapi=False)


@blueprint.get("/repositories")
@requires(Permission.REPOSITORY_EDIT)
def index() -> ResponseReturnValue:
    """Every repository."""
    return render_template("repositories/index.html", repositories=services().repositories.all())


@blueprint.get("/repositories/new")
@requires(Permission.REPOSITORY_EDIT)
def new() -> ResponseReturnValue:
    """The form."""
    return _form(None)


@blueprint.post("/repositories/new")
@requires(Permission.REPOSITORY_EDIT)
def create() -> ResponseReturnValue:
    """Register it, then say what works and what is missing."""
    try:
        record = services().repositories.create(_plan(request.form.get("name", "").strip()), current_actor())
    except ApplicationError as error:
        return _form(None, error)
    return redirect(url_for("repositories.show", name=record.name, check="yes"), 303)


@blueprint.get("/repositories/<name>")
@requires(Permission.REPOSITORY_EDIT)
def show(name: str) -> ResponseReturnValue:
    """What is known of it, to be changed."""
    return _form(services().repositories.editable(name))


@blueprint.post("/repositories/<name>")
@requires(Permission.REPOSITORY_EDIT)
def change(name: str) -> ResponseReturnValue:
    """Change it."""
    try:
        version = request.form.get("version", 0, type=int)
        services().repositories.change(name, _plan(name), version, current_actor())
    except ApplicationError as error:
        return _form(services().repositories.editable(name), error)
    flash("The repository is changed.", "success")
    return redirect(url_for("repositories.show", name=name), 303)


@blueprint.post("/repositories/<name>/check")
@requires(Permission.REPOSITORY_EDIT)
def check(name: str) -> ResponseReturnValue:
    """Try what its credentials allow."""
    record = services().repositories.editable(name)
    return _form(record, checked=True)


@blueprint.post("/repositories/<name>/delete")
@requires(Permission.REPOSITORY_EDIT)
def delete(name: str) -> ResponseReturnValue:
    """Forget it."""
    services().repositories.remove(name, current_actor())
    flash("The repository is forgotten here; what is in it stays where it is.", "success")
    return redirect(url_for("repositories.index"), 303)


@blueprint.post("/repositories/<name>/source")
@requires(Permission.REPOSITORY_EDIT)
def mark(name: str) -> ResponseReturnValue:
    """Make it a source, or change how it is used; the secret of its webhook is shown once."""
    record, form = services().repositories.editable(name), request.form
    use = Use(form.get("branch", "").strip(), form.get("playbooks") == "yes", form.get("inventory", ""))
    try:
        secret = services().sources.mark(record, use, current_actor())
    except ApplicationError as error:
        return _form(record, error)
    if secret:
        return _form(record, secret=secret)
    flash("The source is changed; use its latest commit next.", "success")
    return redirect(url_for("repositories.show", name=name), 303)


@blueprint.post("/repositories/<name>/source/secret")
@requires(Permission.REPOSITORY_EDIT)
def new_secret(name: str) -> ResponseReturnValue:
    """Another secret for its webhook, shown once."""
    record = services().repositories.editable(name)
    return _form(record, secret=services().sources.new_secret(record, current_actor()))


@blueprint.post("/repositories/<name>/source/end")
@requires(Permission.REPOSITORY_EDIT)
def unmark(name: str) -> ResponseReturnValue:
    """Its operations and hosts go."""
    services().sources.unmark(services().repositories.editable(name), current_actor())
    flash("It is no source any more.", "success")
    return redirect(url_for("repositories.show", name=name), 303)


@blueprint.post("/repositories/<name>/sync")
@requires(Permission.REPOSITORY_EDIT)
def sync(name: str) -> ResponseReturnValue:
    """Use its latest commit, unless something is wrong with it."""
    record = services().repositories.editable(name)
    try:
        source = services().sources.sync(record, current_actor())
    except ApplicationError as error:
        return _form(record, error)
    if not source.trouble:
        flash(f"The commit {source.commit[:12]} is in use.", "success")
    return redirect(url_for("repositories.show", name=name), 303)


def _plan(name: str) -> Plan:
    form = request.form
    try:
        kind = RepositoryKind(form.get("kind", ""))
    except ValueError:
        raise BadInput("Choose where the repository is kept.", "kind") from None
    location = form.get("location", "").strip()
    return Plan(
        name,
        form.get("title", ""),
        kind,
        location,
        form.get("address", ""),
        form.get("user", ""),
        form.get("token", ""),
    )


def _form(
    record: RepositoryRecord | None,
    error: ApplicationError | None = None,
    *,
    checked: bool = False,
    secret: str = "",
) -> ResponseReturnValue:
    checks = services().repositories.check(record.name, current_actor()) if record and checked else ()
    return render_template(
        "repositories/form.html",
        record=record,
        kinds=[
            (RepositoryKind.LOCAL, "On this node"),
            (RepositoryKind.CLOUD, "Bitbucket Cloud"),
            (RepositoryKind.DATA_CENTER, "Bitbucket Data Center"),
        ],
        typed=request.form if error and "kind" in request.form else None,
        checks=checks,
        source=services().sources.find(record) if record else None,
        secret=secret,
        marked=request.form if error and "inventory" in request.form else None,
        group=group_of(record.name) if record else "",
        error=error.sentence if error and not getattr(error, "field", None) else "",
        errors={error.field: error.sentence} if isinstance(error, BadInput) and error.field else {},
    ), error.status if error else 200
