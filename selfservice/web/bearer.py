"""Bearer tokens on the wire, and what happens to a wrong one."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NoReturn

from flask import current_app, request
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from selfservice.audit.actions import Action, Actor, Kind, Outcome
from selfservice.audit.journal import Journal
from selfservice.errors import ApplicationError

#: Wrong tokens of one address; many nodes may sit behind one address.
PER_ADDRESS = RateLimitItemPerMinute(60)


class BadToken(ApplicationError):
    """A token was sent that opens nothing."""

    status = 401
    problem_type = "bad-token"
    title = "Token not accepted"


class TooManyWrongTokens(ApplicationError):
    """One address has sent too many wrong tokens."""

    status = 429
    problem_type = "too-many-wrong-tokens"
    title = "Too many wrong tokens"
    retry_after = 60


class Seldom:
    """Says yes once a minute for each key and a few times a minute at all, and counts what it held back."""

    def __init__(self, seconds: float = 60, at_most: int = 20, clock: Callable[[], float] = time.monotonic) -> None:
        """Allow each key once in `seconds`, and all keys together `at_most` times."""
        self._seconds = seconds
        self._at_most = at_most
        self._clock = clock
        self._since = clock()
        self._keys: set[str] = set()
        self._held_back = 0

    def allows(self, key: str) -> int | None:
        """How many were held back since the last one allowed, or None where this one is held back too."""
        if self._clock() - self._since >= self._seconds:
            self._since = self._clock()
            self._keys.clear()
        if key in self._keys or len(self._keys) >= self._at_most:
            self._held_back += 1
            return None
        self._keys.add(key)
        held_back, self._held_back = self._held_back, 0
        return held_back


def install(app: object) -> None:
    """Give `app` its own memory of refusals."""
    app.extensions["selfservice_refusals"] = Seldom()  # type: ignore[attr-defined]
    app.extensions["selfservice_refusal_limit"] = MovingWindowRateLimiter(MemoryStorage())  # type: ignore[attr-defined]


def bearer_token() -> str | None:
    """The token this request was sent with, or None where it was sent without."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" else None


def refuse_token(journal: Journal) -> NoReturn:
    """Refuse the token of this request; audited, but a flood of bad ones cannot flood the audit."""
    audit_refusal(journal, Kind.TOKEN_USE, f"{request.method} {request.path}"[:200])
    throttle_refusal()
    raise BadToken(
        "This token is not known here, was revoked or has expired; make one under “API tokens” in your account menu."
    )


def throttle_refusal() -> None:
    """Count a wrong token against its address. Raises TooManyWrongTokens once there were too many; right ones go on."""
    limit: MovingWindowRateLimiter = current_app.extensions["selfservice_refusal_limit"]
    if not limit.hit(PER_ADDRESS, request.remote_addr or "unknown"):
        raise TooManyWrongTokens("There were too many calls with wrong tokens from this address; wait a minute.")


def audit_refusal(journal: Journal, kind: Kind, target: str) -> None:
    """Record that somebody unknown was refused, once a minute for each address and kind."""
    address = request.remote_addr or "unknown"
    seldom: Seldom = current_app.extensions["selfservice_refusals"]
    held_back = seldom.allows(f"{kind} {address}")
    if held_back is None:
        return
    journal.append(
        Action(
            kind=kind,
            actor=Actor(name="anonymous", via="token" if kind is Kind.TOKEN_USE else "session", address=address),
            target=target,
            outcome=Outcome.REFUSED,
            detail={"not_recorded_before": str(held_back)} if held_back else {},
        )
    )
