"""What a worker tells of itself."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import psutil
from apiflask import APIBlueprint
from flask import jsonify
from flask.typing import ResponseReturnValue

from selfservice.version import version
from selfservice.worker.services import worker_services

blueprint = APIBlueprint("worker", __name__, tag="Node")


@blueprint.get("/healthz")
def healthz() -> ResponseReturnValue:
    """Say that this worker answers."""
    return jsonify(status="ready")


@blueprint.get("/api/v1/node")
def node() -> ResponseReturnValue:
    """Say who this node is, how long it is up and what time it has."""
    settings = worker_services().settings
    return jsonify(
        name=settings.node_name,
        type=settings.node_type.value,
        version=version(),
        uptime=int(time.time() - psutil.boot_time()),
        time=datetime.now(UTC).isoformat(timespec="seconds"),
    )
