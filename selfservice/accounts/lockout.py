"""How often a password or code may be wrong before somebody has to wait, and for longer and longer."""

from __future__ import annotations

import hashlib
import math
import time

from limits import RateLimitItem, parse_many
from limits.strategies import MovingWindowRateLimiter

from selfservice.accounts.attempts import Attempts
from selfservice.accounts.errors import TooManyAttempts
from selfservice.store.database import Database

#: Wrong ones for one account, from wherever they come: who goes on waits a minute, a quarter of an hour, a day.
PER_ACCOUNT = parse_many("5 per minute; 10 per 15 minutes; 50 per day")
#: Wrong ones of one address, whatever accounts it tries; many people may sit behind one address.
PER_ADDRESS = parse_many("30 per 15 minutes; 200 per day")


class Lockout:
    """Counts what was wrong, for accounts that there are and for names that there are not alike."""

    def __init__(self, database: Database) -> None:
        """Count in `database`."""
        self._limiter = MovingWindowRateLimiter(Attempts(database))

    def check(self, account: str, address: str) -> None:
        """Raise `TooManyAttempts` where whoever tries has to wait."""
        waits = [
            math.ceil(self._limiter.get_window_stats(limit, key).reset_time - time.time())
            for limit, key in _limits(account, address)
            if not self._limiter.test(limit, key)
        ]
        if waits:
            raise TooManyAttempts(max(1, *waits))

    def note_wrong(self, account: str, address: str) -> None:
        """Count something that was wrong."""
        for limit, key in _limits(account, address):
            self._limiter.hit(limit, key)

    def forget(self, account: str) -> None:
        """All was right: what was wrong for this account counts no longer."""
        for limit in PER_ACCOUNT:
            self._limiter.clear(limit, _account_key(account))


def _limits(account: str, address: str) -> list[tuple[RateLimitItem, str]]:
    own = [(limit, _account_key(account)) for limit in PER_ACCOUNT]
    return [*own, *((limit, f"address {address}") for limit in PER_ADDRESS)]


def _account_key(account: str) -> str:
    # What was typed may be a password: it is not kept, and it may be long.
    return "account " + hashlib.sha256(account.encode("utf-8", "surrogatepass")).hexdigest()
