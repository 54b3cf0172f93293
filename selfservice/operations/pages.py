"""The pages of operations: the catalogue, and the form of each."""

from __future__ import annotations

from itertools import groupby

from apiflask import APIBlueprint
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from selfservice.accounts.permissions import Permission
from selfservice.errors import ApplicationError, BadInput
from selfservice.operations import sent
from selfservice.operations.catalogue import Operation
from selfservice.operations.form_page import form_page
from selfservice.operations.operations import ApprovalNeeded, Order
from selfservice.operations.sent import Given
from selfservice.operations.values import ValueErrors
from selfservice.runs.errors import SameRunning
from selfservice.runs.run import Run
from selfservice.web.access import current_actor, current_person, require, requires
from selfservice.web.once import form_key
from selfservice.web.services import services

blueprint = APIBlueprint("operations", __name__, enable_openapi=False)


@blueprint.get("/operations")
@requires(Permission.OPERATION_ASK)
def index() -> ResponseReturnValue:
    """What may be asked of hosts, by category; `q` in the address narrows it."""
    text = request.args.get("q", "").strip()[:200]
    everything = services().operations.visible(current_person())
    shown = [each for each in everything if text.lower() in _words(each)]
    shown.sort(key=lambda each: (each.sidecar.category == "Other", each.sidecar.category, each.title.lower()))
    return render_template(
        "operations/index.html",
        categories=[(name, list(group)) for name, group in groupby(shown, key=lambda each: each.sidecar.category)],
        shown=len(shown),
        total=len(everything),
        text=text,
        playbooks=services().settings.playbooks,
    )


def _words(operation: Operation) -> str:
    return " ".join([operation.name, operation.title, operation.sidecar.description]).lower()


@blueprint.get("/operations/<name>")
@requires(Permission.OPERATION_ASK)
def show(name: str) -> ResponseReturnValue:
    """The form, filled from the address: `hosts`, and `values_of`, a run whose values it takes over."""
    operation = services().operations.get(name, current_person())
    hosts, given = request.args.get("hosts") or operation.sidecar.hosts_default, Given()
    if run_id := request.args.get("values_of"):
        run = _run_of(operation, run_id)
        hosts, given = run.request.hosts, Given(dict(run.request.variables))
    return form_page(operation, hosts, given)


@blueprint.post("/operations/<name>")
@requires(Permission.OPERATION_ASK)
def launch(name: str) -> ResponseReturnValue:
    """Start what the form says, or say beside each field what is wrong with it."""
    person = current_person()
    operation = services().operations.get(name, person)
    hosts, check = request.form.get("hosts", ""), "check" in request.form
    given = sent.read(operation, request.form)
    if given.errors:
        return form_page(operation, hosts, given, BadInput("Some values cannot be used; see below."))
    if operation.sidecar.confirmation and not check and "confirmed" not in request.form:
        return form_page(operation, hosts, given, BadInput("Say that this is what you want.", "confirmed"))
    order = Order(
        operation.name,
        hosts,
        given.values,
        check=check,
        force="force" in request.form,
        key=form_key(),
        project=request.form.get("project", ""),
    )
    try:
        return _started(operation, order)
    except ValueErrors as error:
        given.errors = error.errors
        return form_page(operation, hosts, given, error)
    except ApplicationError as error:
        return form_page(operation, hosts, given, error)


def _started(operation: Operation, order: Order) -> ResponseReturnValue:
    """Leads to the run, or to the request for it."""
    person = current_person()
    try:
        run = services().operations.launch(order, current_actor(), person)
    except ApprovalNeeded:
        asked = services().approvals.asking.ask(order, current_actor(), person)
        flash("It is asked for. It starts by itself once it is approved.", "success")
        return redirect(url_for("requests.show", request_id=asked.id), 303)
    if not person.may(Permission.RUN_READ):
        flash(f"“{operation.title}” is started; here you see how it goes.", "success")
        return redirect(url_for("home.index"), 303)
    return redirect(url_for("runs.show", run_id=run.id), 303)


@blueprint.post("/operations/<name>/again/<run_id>")
@requires(Permission.OPERATION_ASK)
def again(name: str, run_id: str) -> ResponseReturnValue:
    """The same once more; `only=failed` where it failed, `apply=yes` for real what a preview showed."""
    require(Permission.RUN_READ)
    person = current_person()
    operation = services().operations.get(name, person)
    run = _run_of(operation, run_id)
    hosts = run.request.hosts
    if request.form.get("only") == "failed":
        hosts = ",".join(services().runs.failed_hosts(run_id))
    if run.request.secret_names:
        flash("Secret values are kept nowhere: type them again.", "info")
        return redirect(url_for("operations.show", name=name, values_of=run_id), 303)
    order = Order(
        operation.name,
        hosts,
        run.request.variables,
        check=run.request.check and "apply" not in request.form,
        again_of=run_id,
        force="force" in request.form,
        project=run.request.project,
    )
    try:
        return _started(operation, order)
    except SameRunning as error:
        return form_page(operation, hosts, Given(dict(run.request.variables)), error)


def _run_of(operation: Operation, run_id: str) -> Run:
    run, _ = services().runs.get(run_id)
    if run.request.operation != operation.name:
        raise BadInput(f"The run {run_id} is none of “{operation.title}”.")
    return run
