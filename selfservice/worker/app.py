"""The worker's application: what another node may ask of this one, by token only."""

from __future__ import annotations

from apiflask import APIFlask
from flask import request

from selfservice.audit.actions import Kind
from selfservice.audit.journal import Journal
from selfservice.errors import ApplicationError, Unavailable
from selfservice.nodes.accepted_tokens import AcceptedTokens
from selfservice.nodes.master import Master
from selfservice.settings import Settings
from selfservice.tasks.outbox import Outbox
from selfservice.tasks.task_files import TaskFiles
from selfservice.tasks.task_types import TaskTypes
from selfservice.tasks.tasks import Tasks
from selfservice.web import bearer, errors, metrics, security
from selfservice.worker import api, task_api
from selfservice.worker import metrics as worker_metrics
from selfservice.worker.forwarded import Forwarded
from selfservice.worker.services import WorkerServices, worker_services

#: Endpoints for everyone: they tell nothing but that this node is up. /metrics has a token of its own.
OPEN_ENDPOINTS = frozenset({"worker.healthz", "metrics.metrics"})


class NodeTokenRefused(ApplicationError):
    """A call came without a token that this node accepts."""

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
    app.json.sort_keys = False  # type: ignore[attr-defined]  # what a task tells first is what matters
    app.extensions["selfservice"] = _services(settings)
    security.install(app, trusted_proxies=settings.trusted_proxies)
    bearer.install(app)
    app.before_request(_guard)
    errors.install(app, pages=False)
    app.register_blueprint(api.blueprint)
    app.register_blueprint(task_api.blueprint)
    metrics.install(app, settings, worker_metrics.collect)
    return app


def _services(settings: Settings) -> WorkerServices:
    for folder in (settings.audit, settings.instance):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise Unavailable(f"The folder {folder} cannot be made: {error.strerror}.") from error
    journal = Journal(settings.audit, settings.node_name)
    outbox = Outbox(settings.instance / "outbox")
    tasks = Tasks(
        TaskFiles(settings.task_files),
        TaskTypes(settings.tasks_folder),
        journal,
        at_once=settings.parallel_tasks,
        report=lambda task: outbox.put(task.id, task.shown()),
    )
    return WorkerServices(
        settings=settings,
        journal=journal,
        accepted=AcceptedTokens(settings),
        tasks=tasks,
        outbox=outbox,
        master=Master(settings),
        forwarded=Forwarded(settings.instance / "forwarded_tasks"),
    )


def _guard() -> None:
    """Let in whoever sends a token that this node accepts; everything not listed as open needs it."""
    if request.endpoint in OPEN_ENDPOINTS:
        return
    own = worker_services()
    if own.accepted.accept(bearer.bearer_token() or ""):
        return
    bearer.audit_refusal(own.journal, Kind.API_CALL, f"{request.method} {request.path}"[:200])
    bearer.throttle_refusal()
    raise NodeTokenRefused("Send a token of this node as “Authorization: Bearer …”.")
