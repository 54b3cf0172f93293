"""What the audit says of a launch, whichever way in it took."""

from __future__ import annotations

from selfservice.audit.actions import Action, Kind
from selfservice.runs.run import Run


def launch_action(run: Run) -> Action:
    """The line of the audit for the launch of `run`."""
    request = run.request
    facts = {
        "kind": request.kind.value,
        "pattern": request.hosts,
        "operation": request.operation,
        "shell": "yes" if request.shell else "",
        "become": "yes" if request.become else "",
        "check": "yes" if request.check else "",
        "again_of": run.again_of or "",
        "schedule": run.schedule or "",
        "request": run.approval or "",
    }
    return Action(
        Kind.RUN_LAUNCH,
        run.actor,
        request.title,
        hosts=request.host_names,
        run_id=run.id,
        project=request.project,
        detail={name: value for name, value in facts.items() if value},
    )
