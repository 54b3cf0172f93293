"""Who is told of a node's change, and in which words: an alert for everyone."""

from __future__ import annotations

from selfservice.alerts.alerts import LONGEST_MESSAGE, Alerts, NewAlert, Severity
from selfservice.audit.actions import Actor
from selfservice.health.changes import Change
from selfservice.health.state import Health
from selfservice.health.watch import Tell

_SEVERITIES = {
    Health.DOWN: Severity.ERROR,
    Health.DEGRADED: Severity.WARNING,
    Health.HEALTHY: Severity.SUCCESS,
}
_WORDS = {
    Health.DOWN: "is down",
    Health.DEGRADED: "is degraded",
    Health.HEALTHY: "is healthy again",
}


def tell_everyone(alerts: Alerts, actor: Actor) -> Tell:
    """Alerts everyone of a change that matters, once each."""

    def tell(change: Change) -> None:
        if _matters(change):
            text = " ".join([f"{change.node} {_WORDS[change.new]}.", *change.why])
            alerts.send(
                NewAlert(
                    text if len(text) <= LONGEST_MESSAGE else f"{text[: LONGEST_MESSAGE - 1]}…",
                    _SEVERITIES[change.new],
                    link=f"/health/{change.node}",
                    host=change.node,
                    once=f"health:{change.node}:{change.new}:{change.at.isoformat()}",
                ),
                actor,
            )

    return tell


def _matters(change: Change) -> bool:
    """Late is either down in a moment or was nothing; that a new node is healthy is no news."""
    if change.old in (Health.LATE, Health.UNKNOWN):
        return change.new is Health.DOWN
    return change.new in _WORDS
