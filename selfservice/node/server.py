"""Serving an application with gunicorn: the same configuration by hand, by make and by systemd."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from selfservice import create_app, logs, settings
from selfservice.node.loading import loaded_for_good
from selfservice.settings import CHECKOUT

if TYPE_CHECKING:
    from apiflask import APIFlask


def replace_this_process(role: str) -> None:
    """Become gunicorn with deploy/gunicorn-<role>.conf.py; does not return."""
    program = str(Path(sys.executable).parent / "gunicorn")
    configuration = str(CHECKOUT / "deploy" / f"gunicorn-{role}.conf.py")
    os.chdir(CHECKOUT)
    os.execv(program, [program, "--config", configuration])  # noqa: S606


def dashboard() -> APIFlask:
    """The dashboard and its API, for gunicorn."""
    logs.configure(settings.load())
    with loaded_for_good(), _quiet_failures_of_gevent():
        return create_app(settings.load())


def worker_api() -> APIFlask:
    """The worker API of this node, for gunicorn, with what a worker does by the clock."""
    from selfservice.worker.background import Background

    logs.configure(settings.load())
    with loaded_for_good():
        app = create_app(settings.load(), role="worker")
    Background(app.extensions["selfservice"]).start()
    return app


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
