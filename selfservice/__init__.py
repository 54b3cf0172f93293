"""Selfservice: commands and runs on the hosts of a network, from a browser, followed live."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from apiflask import APIFlask

    from selfservice.settings import Settings

Role = Literal["web", "worker"]


def create_app(settings: Settings, role: Role = "web") -> APIFlask:
    """The application of one process: the master's dashboard, or a node's worker API.

    It is imported on demand, because the process of each run imports this package and has no
    use for a web framework.
    """
    wiring = importlib.import_module("selfservice.worker.app" if role == "worker" else "selfservice.web.app")
    app: APIFlask = wiring.create(settings)
    return app
