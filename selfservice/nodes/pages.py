"""The pages of nodes: who belongs to this master, and how to add one."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from selfservice.accounts.permissions import Permission
from selfservice.errors import BadInput
from selfservice.nodes.models import Node
from selfservice.nodes.tokens import still_good
from selfservice.web.access import current_actor, current_person, requires
from selfservice.web.own_address import own_address
from selfservice.web.services import services

blueprint = APIBlueprint("nodes", __name__, enable_openapi=False)


@blueprint.get("/nodes")
@requires(Permission.NODE_READ)
def index() -> ResponseReturnValue:
    """Every node, and a form to add one."""
    return _index()


@blueprint.post("/nodes")
@requires(Permission.NODE_EDIT)
def add() -> ResponseReturnValue:
    """Add a worker, and show its token this once."""
    try:
        node, token = services().nodes.add(
            request.form.get("name", ""), request.form.get("address", ""), current_actor()
        )
    except BadInput as error:
        return _index(error), error.status
    return _token(node, token)


@blueprint.get("/nodes/<name>")
@requires(Permission.NODE_READ)
def show(name: str) -> ResponseReturnValue:
    """One node: where it is, what it may ask, its token."""
    return _show(services().nodes.get(name))


@blueprint.post("/nodes/<name>")
@requires(Permission.NODE_EDIT)
def change(name: str) -> ResponseReturnValue:
    """Change address and what it may ask."""
    node = services().nodes.get(name)
    known = {each.name for each in services().task_types.all()}
    may_ask = [each for each in request.form.getlist("may_ask") if each in known]
    try:
        address = request.form.get("address", node.address)
        services().nodes.change(name, current_actor(), address=address, may_ask=may_ask)
    except BadInput as error:
        return _show(node, error), error.status
    flash(f"{name} is changed.", "success")
    return redirect(url_for("nodes.show", name=name), 303)


@blueprint.post("/nodes/<name>/token")
@requires(Permission.NODE_EDIT)
def rotate(name: str) -> ResponseReturnValue:
    """Make a new token, and show it this once."""
    return _token(*services().nodes.rotate(name, current_actor()))


@blueprint.post("/nodes/<name>/revoke")
@requires(Permission.NODE_EDIT)
def revoke(name: str) -> ResponseReturnValue:
    """Shut it out at once."""
    services().nodes.revoke(name, current_actor())
    flash(f"{name} is shut out: neither its calls nor calls to it are accepted.", "success")
    return redirect(url_for("nodes.show", name=name), 303)


@blueprint.post("/nodes/<name>/remove")
@requires(Permission.NODE_EDIT)
def remove(name: str) -> ResponseReturnValue:
    """Forget it."""
    services().nodes.remove(name, current_actor())
    services().health.latest.forget(name)
    flash(f"{name} is no node of this master any more.", "success")
    return redirect(url_for("nodes.index"), 303)


def _index(error: BadInput | None = None) -> str:
    heard = services().health.latest.all()
    settings = services().settings
    return render_template(
        "nodes/nodes.html",
        rows=[(node, heard.get(node.name)) for node in services().nodes.all()],
        errors={error.field: error.sentence} if error else {},
        typed=request.form,
        verifies_tls=settings.verify_tls,
        may_edit=current_person().may(Permission.NODE_EDIT),
    )


def _show(node: Node, error: BadInput | None = None) -> str:
    return render_template(
        "nodes/node.html",
        node=node,
        heard=services().health.latest.get(node.name),
        types=services().task_types.all(),
        errors={error.field: error.sentence} if error else {},
        old_token_good=still_good(node.previous_until),
        may_edit=current_person().may(Permission.NODE_EDIT),
    )


def _token(node: Node, token: str) -> tuple[str, int, dict[str, Any]]:
    page = render_template(
        "nodes/token.html", node=node, token=token, master=own_address(), was_known=node.generation > 1
    )
    return page, 200, {"Cache-Control": "no-store"}
