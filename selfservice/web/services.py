"""What the pages and routes of one application stand on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from flask import current_app

from selfservice.settings import Settings

if TYPE_CHECKING:
    from selfservice.accounts.accounts import Accounts
    from selfservice.alerts.alerts import Alerts
    from selfservice.audit.history import History
    from selfservice.audit.journal import Journal
    from selfservice.calls.calls import Calls
    from selfservice.commands.commands import Commands
    from selfservice.files.delivery import Delivery
    from selfservice.files.edits import Edits
    from selfservice.files.playbook_check import PlaybookCheck
    from selfservice.files.reading import Reading
    from selfservice.files.registry import Registry
    from selfservice.files.sources import Sources
    from selfservice.health.checks import Checks
    from selfservice.health.fleet import Fleet
    from selfservice.nodes.inventory import Inventory
    from selfservice.nodes.nodes import Nodes
    from selfservice.operations.operations import Operations
    from selfservice.runs.runs import Runs
    from selfservice.schedules.blackouts import Blackouts
    from selfservice.schedules.schedules import Schedules
    from selfservice.store.database import Database
    from selfservice.tasks.task_types import TaskTypes
    from selfservice.web.live import Board


@dataclass(frozen=True)
class Services:
    """One of each, made once when the application is created."""

    settings: Settings
    journal: Journal
    history: History
    database: Database
    accounts: Accounts
    runs: Runs
    inventory: Inventory
    nodes: Nodes
    task_types: TaskTypes
    calls: Calls
    commands: Commands
    operations: Operations
    schedules: Schedules
    blackouts: Blackouts
    repositories: Registry
    reading: Reading
    edits: Edits
    playbook_check: PlaybookCheck
    delivery: Delivery
    sources: Sources
    alerts: Alerts
    health: Fleet
    checks: Checks
    board: Board


def services() -> Services:
    """The services of the current application."""
    return cast(Services, current_app.extensions["selfservice"])
