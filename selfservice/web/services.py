"""What the pages and routes of one application stand on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from flask import current_app, g, has_request_context
from flask_login import current_user

from selfservice.scope import EVERYTHING, NOTHING, Sight
from selfservice.settings import Settings

if TYPE_CHECKING:
    from selfservice.accounts.accounts import Accounts
    from selfservice.accounts.sign_in import SignIn
    from selfservice.alerts.alerts import Alerts
    from selfservice.approvals.approvals import Approvals
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
    from selfservice.notifications.targets import Targets
    from selfservice.operations.operations import Operations
    from selfservice.projects.access import Access
    from selfservice.projects.projects import Projects
    from selfservice.projects.secrets import Secrets
    from selfservice.projects.sights import Sights
    from selfservice.projects.ssh import ConnectionTests, Ssh
    from selfservice.projects.teams import Teams
    from selfservice.runs.presence import Presence
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
    sign_in: SignIn
    runs: Runs
    presence: Presence
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
    approvals: Approvals
    targets: Targets
    health: Fleet
    checks: Checks
    board: Board
    projects: Projects
    access: Access
    teams: Teams
    sights: Sights
    secrets: Secrets
    ssh: Ssh
    connection_tests: ConnectionTests

    def seen_by(self, sight: Sight) -> Services:
        """The same for somebody: through them, only what they see is there."""
        if sight.everything:
            return self
        return replace(
            self,
            history=self.history.seen_by(sight),
            runs=self.runs.seen_by(sight),
            inventory=self.inventory.seen_by(sight),
            nodes=self.nodes.seen_by(sight),
            calls=self.calls.seen_by(sight),
            commands=self.commands.seen_by(sight),
            operations=self.operations.seen_by(sight),
            schedules=self.schedules.seen_by(sight),
            repositories=self.repositories.seen_by(sight),
            edits=self.edits.seen_by(sight),
            alerts=self.alerts.seen_by(sight),
            health=self.health.seen_by(sight),
            checks=self.checks.seen_by(sight),
            projects=self.projects.seen_by(sight),
            approvals=self.approvals.seen_by(sight),
        )


def whole_services() -> Services:
    """The services of the current application, of which nothing is hidden: for the program's own work alone."""
    return cast(Services, current_app.extensions["selfservice"])


def services() -> Services:
    """The services of the current application, as whoever this request acts for sees them.

    This is the one place that hides from people what belongs to projects of others.
    """
    if not has_request_context():
        return whole_services()
    if "services" not in g:
        if g.get("node") is None and not getattr(g.get("token") or current_user, "is_authenticated", False):
            return whole_services().seen_by(NOTHING)  # not kept: a moment later somebody may be known
        g.services = whole_services().seen_by(current_sight())
    return cast(Services, g.services)


def current_sight() -> Sight:
    """What whoever this request acts for sees; a node sees everything, as far as it may ask at all."""
    if g.get("node") is not None:
        return EVERYTHING
    return whole_services().sights.of(g.get("token") or current_user._get_current_object())
