"""Where limits keep what they count: in the database, so that a restart forgets nothing."""

from __future__ import annotations

import time

from limits.storage import MovingWindowSupport, Storage
from sqlalchemy import delete, func, select
from sqlalchemy.exc import SQLAlchemyError

from selfservice.accounts.sign_in_models import AttemptRecord
from selfservice.store.database import Database

#: More are not kept, whoever tries whatever: the oldest go.
MOST = 100_000


class Attempts(Storage, MovingWindowSupport):
    """What was counted for each key, as moving windows of `limits` ask for it."""

    STORAGE_SCHEME = None

    def __init__(self, database: Database) -> None:
        """Keep it in `database`."""
        super().__init__()
        self._database = database

    @property
    def base_exceptions(self) -> type[Exception]:
        """What can go wrong with a database."""
        return SQLAlchemyError

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count `amount` more within `expiry` seconds, unless there would be more than `limit`."""
        now = time.time()
        with self._database.session() as session:
            session.execute(delete(AttemptRecord).where(AttemptRecord.expires_at < now))
            there = AttemptRecord.key == key, AttemptRecord.at >= now - expiry
            counted = session.scalar(select(func.count()).select_from(AttemptRecord).where(*there)) or 0
            if counted + amount > limit:
                return False
            added = [AttemptRecord(key=key, at=now, expires_at=now + expiry) for _ in range(amount)]
            session.add_all(added)
            session.flush()
            session.execute(delete(AttemptRecord).where(AttemptRecord.id <= added[-1].id - MOST))
        return True

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """When the first of the last `expiry` seconds was counted, and how many there were."""
        now = time.time()
        there = AttemptRecord.key == key, AttemptRecord.at >= now - expiry
        with self._database.session() as session:
            first, counted = session.execute(select(func.min(AttemptRecord.at), func.count()).where(*there)).one()
        return (now if first is None else first), counted

    def clear(self, key: str) -> None:
        """Forget what was counted for `key`."""
        with self._database.session() as session:
            session.execute(delete(AttemptRecord).where(AttemptRecord.key == key))

    def reset(self) -> None:
        """Forget everything."""
        with self._database.session() as session:
            session.execute(delete(AttemptRecord))

    def check(self) -> bool:
        """Whether it can be used: `Database` says so itself when it is opened."""
        return True

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Only fixed windows count so."""
        raise NotImplementedError

    def get(self, key: str) -> int:
        """Only fixed windows ask so."""
        raise NotImplementedError

    def get_expiry(self, key: str) -> float:
        """Only fixed windows ask so."""
        raise NotImplementedError
