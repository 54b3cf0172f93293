"""What open pages follow of requests."""

from __future__ import annotations

from typing import Any

from selfservice.accounts.accounts import Accounts
from selfservice.approvals.approvals import Approvals
from selfservice.scope import Sight


class RequestsTopic:
    """How many requests wait for a person, and which request has which version."""

    personal = True

    def __init__(self, approvals: Approvals, accounts: Accounts) -> None:
        """Look into `approvals`."""
        self._approvals = approvals
        self._accounts = accounts

    def version(self) -> object:
        """Differs when a request came or changed."""
        return self._approvals.reading.version()

    def news(self, person: str, sight: Sight) -> dict[str, Any]:
        """The requests that this person can decide now."""
        known = self._accounts.find(person)
        waiting = self._approvals.seen_by(sight).reading.waiting_for(known) if known and known.active else []
        return {"for_me": [each.id for each in waiting]}
