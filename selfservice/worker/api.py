"""What a worker tells of itself."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import cast

import psutil
from apiflask import APIBlueprint
from flask import current_app, jsonify
from flask.typing import ResponseReturnValue

from selfservice.settings import Settings
from selfservice.version import version

blueprint = APIBlueprint("worker", __name__, tag="Node")


@blueprint.get("/healthz")
def healthz() -> ResponseReturnValue:
    """Say that this worker answers."""
    return jsonify(status="ready")


@blueprint.get("/api/v1/node")
def node() -> ResponseReturnValue:
    """Say who this node is, how long it is up and what time it has."""
    settings = cast(Settings, current_app.extensions["selfservice"].settings)
    return jsonify(
        name=settings.node_name,
        type=settings.node_type.value,
        version=version(),
        uptime=int(time.time() - psutil.boot_time()),
        time=datetime.now(UTC).isoformat(timespec="seconds"),
    )
