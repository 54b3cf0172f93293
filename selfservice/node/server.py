"""Serves an application in this process, with gunicorn's HTTP; whoever started it brings it back where it ends."""

from __future__ import annotations

import faulthandler
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from gunicorn.config import Config
from gunicorn.sock import create_sockets

from selfservice import Role, create_app, logs
from selfservice.node.loading import loaded_for_good
from selfservice.settings import NodeType, Settings
from selfservice.store import files

if TYPE_CHECKING:
    from apiflask import APIFlask

log = logging.getLogger(__name__)

#: After so many seconds without a sign of life a process tells where it hangs, and ends.
_HANGS_SECONDS = 30
_GRACEFUL_SECONDS = 5

_CONFIGURATION: dict[Role, dict[str, Any]] = {
    # One process: live streams are greenlets, not threads.
    "web": {"worker_connections": 2000, "keepalive": 15},
    "worker": {"threads": 16},
}


class _WithoutArbiter:
    """A worker of gunicorn as a process of its own, which saves the memory of the one that would watch it."""

    def notify(self) -> None:
        """Called every second or so; where that fails to come, the process ends by a thread that needs no Python."""
        faulthandler.dump_traceback_later(_HANGS_SECONDS, exit=True)

    def is_parent_alive(self) -> bool:
        """The supervisor's end is told by a signal (see `end_with`), which lets requests under way end."""
        return True


class _Application:
    """What gunicorn asks for the application."""

    def __init__(self, wsgi: Callable[[], APIFlask]) -> None:
        """Not asked before gevent has replaced what it replaces."""
        self.wsgi = wsgi


def serve_dashboard(settings: Settings, listener: socket.socket) -> None:
    """Serve the dashboard and its API until TERM; requests under way have 5 s to end."""
    _serve(settings, "web", listener, lambda: _dashboard(settings))


def serve_worker_api(settings: Settings, listener: socket.socket, *, may_rest: bool) -> bool:
    """Serve the worker API until TERM, with what a worker does by the clock; requests under way have 5 s to end.

    Where it `may_rest` it also ends once nobody needs it, and then gives True.
    """
    from selfservice.worker.background import Background
    from selfservice.worker.rest import Rest

    _wait_for_the_one_before(settings)
    with loaded_for_good():
        app = create_app(settings, role="worker")
    own = app.extensions["selfservice"]
    rest = Rest(own)
    clock = Background(own).start()
    if may_rest:
        rest.go_by(app, clock)
    try:
        _serve(settings, "worker", listener, lambda: app)
    finally:
        clock.shutdown(wait=False)
    return rest.taken


def _wait_for_the_one_before(settings: Settings) -> None:
    """Until the end of this process there is no other: it would take tasks for lost that this one still ends."""
    path = settings.instance / "worker.lock"  # held by a descriptor that nobody closes
    if files.try_lock(path, create=True) is None:
        log.warning("the worker API before this one has not ended yet, and is waited for")
        files.lock(path)


def _serve(settings: Settings, role: Role, listener: socket.socket, wsgi: Callable[[], APIFlask]) -> None:
    configuration = _configuration(settings, role, listener)
    its_log = configuration.logger_class(configuration)
    worker = _kind(role)(
        age=0,
        ppid=os.getppid(),
        sockets=create_sockets(configuration, its_log),
        app=_Application(wsgi),
        timeout=_HANGS_SECONDS,
        cfg=configuration,
        log=its_log,
    )
    worker.init_process()
    signal.alarm(_GRACEFUL_SECONDS)  # whatever is not done by then would keep the next process from its work


def _dashboard(settings: Settings) -> APIFlask:
    logs.configure(settings)  # anew: its locks are greenlets' now
    with loaded_for_good(), _quiet_failures_of_gevent():
        return create_app(settings)


def _kind(role: Role) -> Any:
    """The class of gunicorn's worker; gevent is not loaded where nobody needs it."""
    if role == "web":
        from gunicorn.workers.ggevent import GeventWorker

        class DashboardWorker(_WithoutArbiter, GeventWorker):  # type: ignore[misc]
            """Greenlets."""

        return DashboardWorker
    from gunicorn.workers.gthread import ThreadWorker

    class ApiWorker(_WithoutArbiter, ThreadWorker):  # type: ignore[misc]
        """Threads."""

    return ApiWorker


def _configuration(settings: Settings, role: Role, listener: socket.socket) -> Config:
    """https://gunicorn.org/reference/settings/ says what each name means."""
    configuration = Config()
    values = {
        "bind": f"fd://{listener.detach()}",
        "graceful_timeout": _GRACEFUL_SECONDS,
        "accesslog": None,
        "errorlog": "-",
        "loglevel": "warning",
        "forwarded_allow_ips": "127.0.0.1",
        **_CONFIGURATION[role],
    }
    if role == "web" or settings.node_type is NodeType.WORKER:
        values |= {"certfile": settings.tls_certificate or None, "keyfile": settings.tls_key or None}
    for name, value in values.items():
        configuration.set(name, value)
    return configuration


@contextmanager
def _quiet_failures_of_gevent() -> Iterator[None]:
    """Failures that gevent's own threads hand to who waits for them are not printed as well.

    Importing Ansible asks for a port that is no plain number, to see whether it may, and is told that it may not.
    https://www.gevent.org/api/gevent.hub.html#gevent.hub.Hub.exception_stream
    """
    import gevent

    hub = gevent.get_hub()
    shown, hub.exception_stream = hub.exception_stream, None
    try:
        yield
    finally:
        hub.exception_stream = shown
