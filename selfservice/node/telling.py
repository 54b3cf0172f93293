"""Who is told of what the executor's process notices, and in which words."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from selfservice.alerts.alerts import Alerts, NewAlert, Severity
from selfservice.audit.actions import SYSTEM
from selfservice.health import watch as health_watch
from selfservice.health.changes import Change
from selfservice.notifications.models import Target
from selfservice.notifications.notices import Notices
from selfservice.notifications.outbox import Failing
from selfservice.notifications.sources import node_changed, slow
from selfservice.runs.listing import Usual
from selfservice.runs.run import Run
from selfservice.runs.slow import Tell
from selfservice.schedules.models import Schedule
from selfservice.schedules.ticker import HeldBack

log = logging.getLogger(__name__)


def tell_slow(alerts: Alerts, notices: Notices) -> Tell:
    """Tells of a run that takes longer than usual."""

    def tell(run: Run, usual: Usual) -> None:
        where = run.request.hosts if len(run.request.host_names) > 1 else run.request.host_names[0]
        alerts.send(
            NewAlert(
                f"“{run.request.title[:200]}” on {where[:100]} takes longer than usual: it is usually done after "
                f"{usual.median_seconds:.0f} s.",
                Severity.WARNING,
                to=(run.actor.name,),
                link=f"/runs/{run.id}",
                project=run.request.project,
                host=run.request.host_names[0] if len(run.request.host_names) == 1 else "",
                once=f"slow:{run.id}",
            ),
            SYSTEM,
        )
        notices.tell(slow(run, usual))

    return tell


def tell_node(alert: health_watch.Tell, notices: Notices) -> health_watch.Tell:
    """Tells of a node's change by an alert, and by notifications."""

    def tell(change: Change) -> None:
        alert(change)
        if event := node_changed(change):
            notices.tell(event)

    return tell


def tell_held_back(alerts: Alerts) -> HeldBack:
    """Alerts the owner of a schedule that a blackout holds back."""

    def tell(schedule: Schedule, due: datetime, reason: str) -> None:
        alerts.send(
            NewAlert(
                f"“{schedule.title}” did not run at its time: {reason}",
                Severity.WARNING,
                to=(schedule.owner,),
                link=f"/schedules/{schedule.id}",
                project=schedule.project,
                once=f"held:{schedule.id}:{due.isoformat()}",
            ),
            SYSTEM,
        )

    return tell


def tell_failing(alerts: Alerts, admins_of: Callable[[str], tuple[str, ...]]) -> Failing:
    """Alerts whoever looks after a target of notifications that nothing arrives at."""

    def tell(target: Target) -> None:
        to = admins_of(target.project) if target.project else (target.person or "",)
        if not to:
            log.warning("nothing arrives at target %d, and the project %s has no admin", target.id, target.project)
            return
        alerts.send(
            NewAlert(
                f"Nothing arrives at “{target.title}”, where you are told of events: {target.last_error[:300]}",
                Severity.WARNING,
                to=to,
                link=f"/projects/{target.project}/notifications" if target.project else "/account/notifications",
                once=f"target:{target.id}:{target.failing_since}",
            ),
            SYSTEM,
        )

    return tell
