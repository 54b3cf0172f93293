"""The worker's application: what another node may ask of this one, by token only."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import cast

from apiflask import APIFlask
from flask import current_app, request

from selfservice.audit.actions import Kind
from selfservice.audit.journal import Journal
from selfservice.errors import ApplicationError, Unavailable
from selfservice.settings import Settings
from selfservice.web import bearer, errors, security
from selfservice.web.keys import node_token
from selfservice.worker import api

#: Endpoints for everyone: they tell nothing but that this node is up.
OPEN_ENDPOINTS = frozenset({"worker.healthz"})


@dataclass(frozen=True)
class WorkerServices:
    """What the routes of a worker stand on."""

    settings: Settings
    journal: Journal
    token: str


class NodeTokenRefused(ApplicationError):
    """A call came without the token that nodes share, or with another one."""

    status = 401
    problem_type = "node-token-refused"
    title = "Token not accepted"


def create(settings: Settings) -> APIFlask:
    """The API of a worker, or of the master as a worker to itself."""
    app = APIFlask(
        "selfservice.worker",
        title="Selfservice worker",
        json_errors=False,
        spec_path=None,
        docs_path=None,
        static_folder=None,  # type: ignore[arg-type]
        instance_path=str(settings.instance),
    )
    try:
        settings.audit.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(f"The folder {settings.audit} cannot be made: {error.strerror}.") from error
    journal = Journal(settings.audit, settings.node_name)
    app.extensions["selfservice"] = WorkerServices(settings, journal, node_token(settings))
    security.install(app, trusted_proxies=settings.trusted_proxies)
    bearer.install(app)
    app.before_request(_guard)
    errors.install(app, pages=False)
    app.register_blueprint(api.blueprint)
    return app


def worker_services() -> WorkerServices:
    """The services of the current worker application."""
    return cast(WorkerServices, current_app.extensions["selfservice"])


def _guard() -> None:
    """Let in whoever sends the node token; everything not listed as open needs it."""
    if request.endpoint in OPEN_ENDPOINTS:
        return
    own = worker_services()
    sent = bearer.bearer_token() or ""
    if hmac.compare_digest(sent.encode("utf-8", "surrogateescape"), own.token.encode("utf-8", "surrogateescape")):
        return
    bearer.audit_refusal(own.journal, Kind.API_CALL, f"{request.method} {request.path}"[:200])
    raise NodeTokenRefused("Send the token of this node as “Authorization: Bearer …”.")
