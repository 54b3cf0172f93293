"""Whether this node can do its work: for monitoring, without a login."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import jsonify
from flask.typing import ResponseReturnValue

from selfservice.errors import Unavailable
from selfservice.runs.executor_status import executor_alive
from selfservice.web.access import open_to_everyone
from selfservice.web.services import services

blueprint = APIBlueprint("health", __name__, tag="Health")


class NotReady(Unavailable):
    """The executor does not run."""

    problem_type = "not-ready"
    title = "Not ready"


@blueprint.get("/healthz")
@open_to_everyone
def healthz() -> ResponseReturnValue:
    """Say ready only while runs would really be executed."""
    if not executor_alive(services().settings):
        raise NotReady("The executor of this node is not running, so runs stay queued. Start run.py again.")
    return jsonify(status="ready")
