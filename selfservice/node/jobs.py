"""What the executor's process does beside executing: who is told of what it notices."""

from __future__ import annotations

from selfservice.alerts.alerts import Alerts, NewAlert, Severity
from selfservice.audit.actions import Actor
from selfservice.runs.index import Usual
from selfservice.runs.run import Run
from selfservice.runs.slow import Tell

SYSTEM = Actor("selfservice", "system", "local")


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
