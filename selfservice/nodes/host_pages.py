"""The Hosts page."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import render_template, request
from flask.typing import ResponseReturnValue

from selfservice.accounts.permissions import Permission
from selfservice.nodes.inventory import InventoryError
from selfservice.web.access import current_person, requires
from selfservice.web.services import services

blueprint = APIBlueprint("hosts", __name__, enable_openapi=False)


@blueprint.get("/hosts")
@requires(Permission.HOST_READ)
def index() -> ResponseReturnValue:
    """Every host of the inventory, or why it cannot be read."""
    text = request.args.get("q", "").strip()
    try:
        found = services().inventory.hosts()
        groups = services().inventory.groups()
        left_out = services().inventory.left_out()
        trouble = ""
    except InventoryError as error:
        found, groups, left_out, trouble = [], [], (), error.sentence
    shown = [host for host in found if text.lower() in " ".join([host.name, host.address, *host.groups]).lower()]
    return render_template(
        "nodes/hosts.html",
        hosts=shown,
        total=len(found),
        groups=groups,
        text=text,
        may_command=current_person().may(Permission.COMMAND_LAUNCH),
        trouble=trouble,
        left_out=left_out,
        behind=services().sources.troubles(),
        inventory=services().settings.inventory,
    )
