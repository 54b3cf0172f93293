"""What the executor's process does beside executing: schedules, the watch over nodes, and who is told of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from tzlocal import get_localzone

from selfservice.accounts.accounts import Accounts
from selfservice.alerts.alerts import Alerts
from selfservice.approvals.approvals import Approvals
from selfservice.approvals.desk import Desk
from selfservice.approvals.telling import ByAlerts, ByBoth
from selfservice.audit.actions import SYSTEM
from selfservice.audit.journal import Journal
from selfservice.calls.calls import Calls
from selfservice.calls.dispatcher import Dispatcher
from selfservice.clockwork import Clockwork
from selfservice.commands.commands import Commands
from selfservice.errors import ApplicationError
from selfservice.files.registry import Registry
from selfservice.files.sources import Sources
from selfservice.health import watch as health_watch
from selfservice.health.beating import Beating
from selfservice.health.latest import Latest
from selfservice.health.registered import registered
from selfservice.health.telling import tell_everyone
from selfservice.health.thresholds import ThresholdsFile
from selfservice.health.watch import Watch
from selfservice.node.telling import tell_failing, tell_held_back, tell_node, tell_slow
from selfservice.nodes.inventory import Inventory
from selfservice.nodes.master import Master
from selfservice.nodes.nodes import Nodes
from selfservice.notifications.notices import Notices
from selfservice.notifications.outbox import Outbox
from selfservice.notifications.sources import Looking, OfRequests
from selfservice.operations.catalogue import Catalogue, OperationNotFound
from selfservice.operations.operations import Operations
from selfservice.projects.access import Access
from selfservice.projects.choosing import Choosing
from selfservice.projects.projects import Projects
from selfservice.projects.providing import Providing
from selfservice.projects.secrets import Secrets
from selfservice.projects.sights import Sights
from selfservice.projects.ssh import Ssh
from selfservice.projects.vault import Vault
from selfservice.runs.retention import Limits, Retention
from selfservice.runs.runs import Runs
from selfservice.runs.slow import Tell
from selfservice.schedules.blackouts import Blackouts
from selfservice.schedules.launcher import Launcher
from selfservice.schedules.ticker import Ticker
from selfservice.settings import Settings
from selfservice.store.database import Database
from selfservice.tasks.task_files import RunningTasks

_TICK_SECONDS = 1
_LOOK_SECONDS = 5
_SYNC_SECONDS = 300

logger = logging.getLogger(__name__)


def providing(settings: Settings) -> Providing:
    """Knows what runs of projects are given."""
    database, journal = Database(settings), Journal(settings.audit, settings.node_name)
    vault = Vault(settings.vault_keys_file)
    sources = Sources(settings, database, journal, Registry(settings, database, journal))
    projects = Projects(database, journal, Inventory(settings.inventory, sources.inventories))
    return Providing(projects, Secrets(database, journal, vault), Ssh(database, journal, vault))


@contextmanager
def started(settings: Settings) -> Iterator[Tell]:
    """What goes by the clock, in the background, for as long as this lasts; gives who is to be told of slow runs.

    What has begun by then is waited for when the program ends.
    """
    database, journal = Database(settings), Journal(settings.audit, settings.node_name)
    alerts = Alerts(database, journal)
    registry = Registry(settings, database, journal)
    sources = Sources(settings, database, journal, registry)
    clock = Clockwork()
    nodes = Nodes(database, journal, settings)
    inventory = Inventory(settings.inventory, sources.inventories)
    notices, accounts = Notices(database), Accounts(database, journal)
    sights, runs = Sights(database, inventory), Runs(settings, journal)
    choosing = Choosing(sights.belongings)
    commands = Commands(inventory, runs, settings.run_timeout, choosing)
    operations = Operations(settings, inventory, runs, sources, choosing)
    approvals = Approvals(Desk(settings, database, journal, accounts, operations, commands, inventory, runs, sights.of))
    launcher = Launcher(accounts, operations, commands, sights, approvals.ask_command_as)
    ticker = Ticker(database, launcher, runs, Blackouts(database, journal), tell_held_back(alerts))
    watch = _watch(settings, nodes, inventory, tell_node(tell_everyone(alerts, SYSTEM), notices), journal)
    requests = approvals.keeping_time(ByBoth(ByAlerts(alerts), OfRequests(notices)))
    looking = Looking(database, runs, launcher.scope_of, notices)
    outbox = Outbox(
        settings,
        database,
        accounts,
        sights.of,
        tell_failing(alerts, Access(database, journal).admins),
        sights.of_project,
    )
    for tick in (ticker.tick, watch.tick, requests.tick, outbox.tick):
        clock.every(_TICK_SECONDS, tick)
    clock.add_job(looking.tick, "interval", seconds=_LOOK_SECONDS, max_instances=1, coalesce=True)
    nightly = _nightly(settings, journal, alerts, outbox)
    clock.add_job(nightly, "cron", hour=3, timezone=get_localzone(), misfire_grace_time=None)
    clock.add_job(nightly, kwargs={"if_missed": True})  # now, where last night was missed
    clock.add_job(_sync(sources, registry), "interval", seconds=_SYNC_SECONDS, max_instances=1, coalesce=True)
    tasks = RunningTasks(settings.task_files)
    Beating(Master(settings), lambda: {"running_tasks": tasks.count()}).go_by(clock, settings.heartbeat_seconds)
    clock.start()
    Dispatcher(settings, Calls(settings, nodes, journal), nodes).start()
    try:
        yield tell_slow(alerts, notices)
    finally:
        clock.shutdown(wait=False)


def _nightly(settings: Settings, journal: Journal, alerts: Alerts, outbox: Outbox) -> Callable[..., None]:
    """What is thrown away once a day."""
    catalogue = Catalogue(settings.playbooks, settings.instance / "cache" / "playbooks.json")
    launching = Runs(settings, journal).launching

    def limits_of(operation: str) -> Limits:
        try:
            sidecar = catalogue.get(operation).sidecar
        except OperationNotFound:
            return Limits(settings.keep_runs_days, settings.keep_runs_megabytes)
        return Limits(
            sidecar.keep_days or settings.keep_runs_days, sidecar.keep_megabytes or settings.keep_runs_megabytes
        )

    retention = Retention(settings, journal, limits_of)

    def night(if_missed: bool = False) -> None:
        if if_missed and not retention.is_due():
            return
        retention.sweep(datetime.now(UTC))
        launching.forget_old_keys()
        alerts.forget_expired()
        outbox.forget_old()

    return night


def _watch(settings: Settings, nodes: Nodes, inventory: Inventory, tell: health_watch.Tell, journal: Journal) -> Watch:
    own = nodes.ensure_own()
    limits = ThresholdsFile(settings.health_limits)
    listed = registered(nodes, inventory)
    return Watch(Latest(settings.health), limits.of, listed, tell, journal, own.name)


def _sync(sources: Sources, registry: Registry) -> Callable[[], None]:
    """Looks for newer commits of every source; a server that does not answer is asked again the next time."""

    def sync() -> None:
        for record in registry.all():
            try:
                if sources.find(record):
                    sources.sync(record, SYSTEM)
            except ApplicationError as error:
                logger.warning("%s could not be synced: %s", record.name, error.sentence)

    return sync
