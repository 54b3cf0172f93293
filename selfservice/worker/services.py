"""What the routes of a worker stand on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import current_app

from selfservice.audit.journal import Journal
from selfservice.nodes.accepted_tokens import AcceptedTokens
from selfservice.nodes.master import Master
from selfservice.settings import Settings
from selfservice.tasks.outbox import Outbox
from selfservice.tasks.tasks import Tasks
from selfservice.worker.forwarded import Forwarded


@dataclass(frozen=True)
class WorkerServices:
    """One of each, made once when the application is created."""

    settings: Settings
    journal: Journal
    accepted: AcceptedTokens
    tasks: Tasks
    outbox: Outbox
    master: Master
    forwarded: Forwarded


def worker_services() -> WorkerServices:
    """The services of the current worker application."""
    return cast(WorkerServices, current_app.extensions["selfservice"])
