"""What the executor's process does beside executing: schedules, the watch over nodes, and who is told of it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime

from apscheduler.schedulers.background import BackgroundScheduler
from tzlocal import get_localzone

from selfservice.accounts.accounts import Accounts
from selfservice.alerts.alerts import Alerts, NewAlert, Severity
from selfservice.audit.actions import SYSTEM
from selfservice.audit.journal import Journal
from selfservice.calls.calls import Calls
from selfservice.calls.dispatcher import Dispatcher
from selfservice.commands.commands import Commands
from selfservice.errors import ApplicationError
from selfservice.files.registry import Registry
from selfservice.files.sources import Sources
from selfservice.health.latest import Latest
from selfservice.health.registered import registered
from selfservice.health.telling import tell_everyone
from selfservice.health.thresholds import ThresholdsFile
from selfservice.health.watch import Watch
from selfservice.nodes.inventory import Inventory
from selfservice.nodes.nodes import Nodes
from selfservice.operations.catalogue import Catalogue, OperationNotFound
from selfservice.operations.operations import Operations
from selfservice.runs.index import Usual
from selfservice.runs.retention import Limits, Retention
from selfservice.runs.run import Run
from selfservice.runs.runs import Runs
from selfservice.runs.slow import Tell
from selfservice.schedules.blackouts import Blackouts
from selfservice.schedules.launcher import Launcher
from selfservice.schedules.models import Schedule
from selfservice.schedules.ticker import HeldBack, Ticker
from selfservice.settings import Settings
from selfservice.store.database import Database

_TICK_SECONDS = 1
_SYNC_SECONDS = 300

logger = logging.getLogger(__name__)


def tell_slow(alerts: Alerts) -> Tell:
    """Alerts whoever launched a run that takes longer than usual."""

    def tell(run: Run, usual: Usual) -> None:
        where = run.request.hosts if len(run.request.host_names) > 1 else run.request.host_names[0]
        alerts.send(
            NewAlert(
                f"“{run.request.title[:200]}” on {where[:100]} takes longer than usual: it is usually done after "
                f"{usual.median_seconds:.0f} s.",
                Severity.WARNING,
                to=(run.actor.name,),
                link=f"/runs/{run.id}",
                once=f"slow:{run.id}",
            ),
            SYSTEM,
        )

    return tell


def start(settings: Settings) -> Tell:
    """Start what goes by the clock, in the background; gives who is to be told of slow runs."""
    database, journal = Database(settings), Journal(settings.audit, settings.node_name)
    alerts = Alerts(database, journal)
    registry = Registry(settings, database, journal)
    sources = Sources(settings, database, journal, registry)
    clock = BackgroundScheduler(timezone="UTC")
    nodes = Nodes(database, journal, settings)
    inventory = Inventory(settings.inventory, sources.inventories)
    ticker = _ticker(settings, database, journal, alerts, sources)
    watch = _watch(settings, nodes, inventory, alerts, journal)
    for tick in (ticker.tick, watch.tick):
        clock.add_job(tick, "interval", seconds=_TICK_SECONDS, max_instances=1, coalesce=True, misfire_grace_time=None)
    nightly = _nightly(settings, journal, alerts)
    clock.add_job(nightly, "cron", hour=3, timezone=get_localzone(), misfire_grace_time=None)
    clock.add_job(nightly, kwargs={"if_missed": True})  # now, where last night was missed
    clock.add_job(_sync(sources, registry), "interval", seconds=_SYNC_SECONDS, max_instances=1, coalesce=True)
    clock.start()
    Dispatcher(settings, Calls(settings, nodes, journal), nodes).start()
    return tell_slow(alerts)


def _nightly(settings: Settings, journal: Journal, alerts: Alerts) -> Callable[..., None]:
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

    return night


def _watch(settings: Settings, nodes: Nodes, inventory: Inventory, alerts: Alerts, journal: Journal) -> Watch:
    own = nodes.ensure_own()
    limits = ThresholdsFile(settings.health_limits)
    listed = registered(nodes, inventory)
    return Watch(Latest(settings.health), limits.of, listed, tell_everyone(alerts, SYSTEM), journal, own.name)


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


def _ticker(settings: Settings, database: Database, journal: Journal, alerts: Alerts, sources: Sources) -> Ticker:
    runs, inventory = Runs(settings, journal), Inventory(settings.inventory, sources.inventories)
    commands = Commands(inventory, runs, settings.run_timeout)
    operations = Operations(settings, inventory, runs, sources)
    launcher = Launcher(Accounts(database, journal), operations, commands)
    return Ticker(database, launcher, runs, Blackouts(database, journal), tell_held_back(alerts))


def tell_held_back(alerts: Alerts) -> HeldBack:
    """Alerts the owner of a schedule that a blackout holds back."""

    def tell(schedule: Schedule, due: datetime, reason: str) -> None:
        alerts.send(
            NewAlert(
                f"“{schedule.title}” did not run at its time: {reason}",
                Severity.WARNING,
                to=(schedule.owner,),
                link=f"/schedules/{schedule.id}",
                once=f"held:{schedule.id}:{due.isoformat()}",
            ),
            SYSTEM,
        )

    return tell
