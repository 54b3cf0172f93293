"""Who is told of a request, and in which words: an alert for its approvers, one for whoever asked."""

from __future__ import annotations

from selfservice.alerts.alerts import Alerts, NewAlert, Severity
from selfservice.approvals.keeping_time import Telling
from selfservice.approvals.models import Request, State
from selfservice.audit.actions import SYSTEM

_TITLE = 120
_WHY = 200
_ENDS = {
    State.LAUNCHED: ("was approved and runs now", Severity.SUCCESS),
    State.REJECTED: ("was rejected", Severity.WARNING),
    State.EXPIRED: ("expired: nobody decided it in time", Severity.WARNING),
    State.REFUSED: ("was approved but could not start", Severity.ERROR),
}


class ByAlerts:
    """Tells by alerts, each once whatever is killed in between."""

    def __init__(self, alerts: Alerts) -> None:
        """Send through `alerts`."""
        self._alerts = alerts

    def waiting(self, request: Request, deciders: list[str], reminder: int) -> None:
        """These people can decide it now."""
        if not deciders:
            return
        words = "still waits for you" if reminder else "waits for you"
        self._alerts.send(
            NewAlert(
                f"“{request.title[:_TITLE]}”, asked for by {request.asked_by}, {words}.",
                Severity.WARNING if reminder else Severity.INFO,
                to=tuple(deciders),
                link=f"/requests/{request.id}",
                once=f"request:{request.id}:{request.revision}:{request.step_number}:{reminder}",
            ),
            SYSTEM,
        )

    def decided(self, request: Request) -> None:
        """It has come to an end: whoever withdrew it knows."""
        if (state := State(request.state)) not in _ENDS:
            return
        words, severity = _ENDS[state]
        why = " ".join(request.why.split())
        why = f"{why[:_WHY]}…" if len(why) > _WHY else why
        text = f"“{request.title[:_TITLE]}” {words}{f': {why}' if why and state is not State.EXPIRED else '.'}"
        link = f"/runs/{request.run_id}" if state is State.LAUNCHED else f"/requests/{request.id}"
        once = f"request:{request.id}:end"
        self._alerts.send(NewAlert(text, severity, to=(request.person,), link=link, once=once), SYSTEM)


class ByBoth:
    """Tells in two ways, one after the other."""

    def __init__(self, first: Telling, second: Telling) -> None:
        """Tell by `first`, then by `second`."""
        self._ways = (first, second)

    def waiting(self, request: Request, deciders: list[str], reminder: int) -> None:
        """These people can decide it now."""
        for way in self._ways:
            way.waiting(request, deciders, reminder)

    def decided(self, request: Request) -> None:
        """It has come to an end."""
        for way in self._ways:
            way.decided(request)
