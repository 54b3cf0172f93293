"""What is begun in one request and finished in another: soon, once, and by whoever began it."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from selfservice.accounts.errors import StepGone
from selfservice.accounts.sign_in_models import StepRecord
from selfservice.store.database import Database
from selfservice.store.sealing import Seal, SealBroken


class Purpose(StrEnum):
    """What can be begun."""

    SECOND_FACTOR = "second-factor"
    AUTHENTICATOR = "authenticator"
    PASSKEY_ADD = "passkey-add"
    PASSKEY_USE = "passkey-use"
    PROVIDER = "provider"
    SIGN_UP = "sign-up"
    EMAIL = "e-mail"
    RESET = "reset"


#: Seconds until what was begun cannot be finished any more.
SECONDS = {
    Purpose.SECOND_FACTOR: 300,
    Purpose.AUTHENTICATOR: 900,
    Purpose.PASSKEY_ADD: 300,
    Purpose.PASSKEY_USE: 300,
    Purpose.PROVIDER: 600,
    Purpose.SIGN_UP: 900,
    Purpose.EMAIL: 900,
    Purpose.RESET: 1800,
}


@dataclass(frozen=True)
class Step:
    """Something begun, with what is needed to finish it."""

    number: int
    person_id: int | None
    data: Mapping[str, Any]
    attempts: int


class Steps:
    """The steps of this node; their content is sealed, their keys are kept as hashes."""

    def __init__(self, database: Database, seal: Seal) -> None:
        """Keep them in `database`."""
        self._database = database
        self._seal = seal

    def begin(self, purpose: Purpose, data: Mapping[str, Any], person_id: int | None = None) -> str:
        """The key by which it can be finished: for the cookie or the mailbox of whoever began it."""
        key, now = secrets.token_urlsafe(32), datetime.now(UTC)
        with self._database.session() as session:
            session.execute(delete(StepRecord).where(StepRecord.expires_at < now))
            session.add(
                StepRecord(
                    purpose=purpose,
                    key_hash=_hash(key),
                    person_id=person_id,
                    sealed=self._seal.seal(json.dumps(dict(data))),
                    expires_at=now + timedelta(seconds=SECONDS[purpose]),
                )
            )
        return key

    def look(self, purpose: Purpose, key: str) -> Step:
        """What was begun, which stays to be finished. Raises `StepGone`."""
        with self._database.session() as session:
            return self._opened(self._found(session, purpose, key))

    def take(self, purpose: Purpose, key: str) -> Step:
        """What was begun; it cannot be taken again, by nobody. Raises `StepGone`."""
        with self._database.session() as session:
            record = self._found(session, purpose, key)
            taken = session.execute(delete(StepRecord).where(StepRecord.id == record.id))
            if taken.rowcount != 1:  # type: ignore[attr-defined]  # somebody was faster
                raise StepGone
            return self._opened(record)

    def note_attempt(self, step: Step, at_most: int) -> None:
        """Count a wrong answer; after `at_most` of them the step is gone. Raises `StepGone` then."""
        with self._database.session() as session:
            counted = update(StepRecord).where(StepRecord.id == step.number)
            session.execute(counted.values(attempts=StepRecord.attempts + 1))
            left = session.execute(
                delete(StepRecord).where(StepRecord.id == step.number, StepRecord.attempts >= at_most)
            )
            gone = left.rowcount == 1  # type: ignore[attr-defined]
        if gone:
            raise StepGone

    def forget(self, purpose: Purpose, person_id: int) -> None:
        """Nothing of this kind that a person has begun can be finished any more."""
        with self._database.session() as session:
            theirs = StepRecord.purpose == purpose, StepRecord.person_id == person_id
            session.execute(delete(StepRecord).where(*theirs))

    def _found(self, session: Session, purpose: Purpose, key: str) -> StepRecord:
        wanted = StepRecord.key_hash == _hash(key), StepRecord.purpose == purpose
        record = session.scalar(select(StepRecord).where(*wanted))
        if record is None or record.expires_at <= datetime.now(UTC):
            raise StepGone
        return record

    def _opened(self, record: StepRecord) -> Step:
        try:
            data = json.loads(self._seal.unseal(record.sealed))
        except SealBroken as error:
            raise StepGone from error
        return Step(record.id, record.person_id, data, record.attempts)


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
