"""Serving an application with gunicorn: the same configuration by hand, by make and by systemd."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from selfservice import create_app, logs, settings
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
    return create_app(settings.load())


def worker_api() -> APIFlask:
    """The worker API of this node, for gunicorn, with what a worker does by the clock."""
    from selfservice.worker.background import Background

    logs.configure(settings.load())
    app = create_app(settings.load(), role="worker")
    Background(app.extensions["selfservice"]).start()
    return app
