"""The second factor: codes of an authenticator app, and recovery codes for who has lost it."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass

import pyotp
import segno
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from selfservice.accounts.errors import StepGone
from selfservice.accounts.lockout import Lockout
from selfservice.accounts.models import Person
from selfservice.accounts.sign_in_models import Authenticator, Passkey, RecoveryCode, SessionRecord
from selfservice.accounts.steps import Purpose, Steps
from selfservice.audit.actions import Action, Actor, Kind, Outcome
from selfservice.audit.journal import Journal
from selfservice.errors import BadInput
from selfservice.store.database import Database
from selfservice.store.sealing import Seal

RECOVERY_CODES = 10
_STEP_SECONDS = 30
#: Clocks of phones may be this many steps off.
_STEPS_OFF = 1
_ISSUER = "Selfservice"


@dataclass(frozen=True)
class Invitation:
    """What an authenticator app is given to begin with."""

    secret: str
    #: The same as a QR code, as a `data:` address.
    picture: str


@dataclass(frozen=True)
class Factors:
    """What somebody can show beside the password."""

    app: bool
    passkeys: int
    recovery_codes: int

    @property
    def any(self) -> bool:
        """Whether there is a second factor at all; recovery codes alone are none."""
        return self.app or self.passkeys > 0


class SecondFactors:
    """Authenticator apps and recovery codes of the people of this node."""

    def __init__(self, database: Database, journal: Journal, seal: Seal, steps: Steps, lockout: Lockout) -> None:
        """Keep them in `database`, secrets sealed and codes hashed."""
        self._database = database
        self._journal = journal
        self._seal = seal
        self._steps = steps
        self._lockout = lockout

    def of(self, person: Person) -> Factors:
        """What `person` has."""
        with self._database.session() as session:
            return Factors(
                session.get(Authenticator, person.id) is not None,
                _count(session, Passkey, person),
                _count(session, RecoveryCode, person),
            )

    def invite(self, person: Person) -> str:
        """Begin to add an app; gives the key of the step."""
        return self._steps.begin(Purpose.AUTHENTICATOR, {"secret": pyotp.random_base32()}, person.id)

    def invitation(self, key: str, person: Person) -> Invitation:
        """What to show to the app. Raises `StepGone`."""
        secret = self._invited(key, person)
        uri = pyotp.TOTP(secret).provisioning_uri(name=person.name, issuer_name=_ISSUER)
        return Invitation(secret, segno.make(uri, error="m").svg_data_uri(scale=5, border=3, light="#fff"))

    def add(self, key: str, code: str, person: Person, actor: Actor) -> list[str]:
        """The app has shown that it knows the secret: it is asked from now on. New recovery codes, to be shown once.

        Raises `StepGone`, `BadInput`, `TooManyAttempts`.
        """
        secret = self._invited(key, person)
        self._lockout.check(_account(person), actor.address)
        step = _step_of(secret, code, 0)
        if step is None:
            self._lockout.note_wrong(_account(person), actor.address)
            raise BadInput(
                "This is not the code that the app should show now. Is the clock of your phone right?", "code"
            )
        with self._database.session() as session:
            session.execute(delete(Authenticator).where(Authenticator.person_id == person.id))
            session.add(Authenticator(person_id=person.id, sealed_secret=self._seal.seal(secret), last_step=step))
            codes = _new_codes(session, person)
            self._record(Kind.SECOND_FACTOR_ADD, actor, person, "authenticator app")
        self._steps.forget(Purpose.AUTHENTICATOR, person.id)
        return codes

    def remove(self, person: Person, actor: Actor) -> None:
        """Ask for codes of the app no longer; recovery codes stay as long as there are passkeys."""
        with self._database.session() as session:
            session.execute(delete(Authenticator).where(Authenticator.person_id == person.id))
            session.expire_all()
            forget_what_is_of_no_use(session, person)
            self._record(Kind.SECOND_FACTOR_REMOVE, actor, person, "authenticator app")

    def renew_recovery_codes(self, person: Person, actor: Actor) -> list[str]:
        """New recovery codes, to be shown once; the ones before open nothing any more."""
        with self._database.session() as session:
            codes = _new_codes(session, person)
            self._record(Kind.SECOND_FACTOR_ADD, actor, person, "recovery codes")
        return codes

    def check(self, person: Person, code: str, address: str) -> str:
        """Which of the factors of `person` this code is of; each code is taken once.

        Raises `BadInput` for a wrong one, which is counted and audited, and `TooManyAttempts`.
        """
        account, typed = _account(person), "".join(code.split())
        self._lockout.check(account, address)
        if self._is_of_app(person, typed):
            found = "authenticator app"
        elif self._is_recovery_code(person, typed):
            found = "recovery code"
        else:
            self._lockout.note_wrong(account, address)
            actor = Actor("anonymous", "session", address)
            wrong = {"by": "second factor"}
            self._journal.append(Action(Kind.ACCOUNT_SIGN_IN, actor, person.name, Outcome.REFUSED, detail=wrong))
            raise BadInput("This code is not right, or was used already. Wait for the next one.", "code")
        self._lockout.forget(account)
        return found

    def _invited(self, key: str, person: Person) -> str:
        step = self._steps.look(Purpose.AUTHENTICATOR, key)
        if step.person_id != person.id:
            raise StepGone
        return str(step.data["secret"])

    def _is_of_app(self, person: Person, code: str) -> bool:
        with self._database.session() as session:
            kept = session.get(Authenticator, person.id)
            if kept is None:
                return False
            step = _step_of(self._seal.unseal(kept.sealed_secret), code, kept.last_step)
            if step is None:
                return False
            mine = Authenticator.person_id == person.id, Authenticator.last_step < step
            used = session.execute(update(Authenticator).where(*mine).values(last_step=step))
            return used.rowcount == 1  # type: ignore[attr-defined,no-any-return]

    def _is_recovery_code(self, person: Person, code: str) -> bool:
        mine = RecoveryCode.person_id == person.id, RecoveryCode.hash == _hash(code)
        with self._database.session() as session:
            used = session.execute(delete(RecoveryCode).where(*mine))
            return used.rowcount > 0  # type: ignore[attr-defined,no-any-return]

    def _record(self, kind: Kind, actor: Actor, person: Person, what: str) -> None:
        self._journal.append(Action(kind, actor, person.name, detail={"factor": what}))


def ensure_recovery_codes(session: Session, person: Person) -> list[str]:
    """New recovery codes where there are none, in this transaction: for the first passkey."""
    return [] if _count(session, RecoveryCode, person) else _new_codes(session, person)


def forget_what_is_of_no_use(session: Session, person: Person) -> None:
    """Where the last factor has gone, recovery codes go as well, and sessions count as without one."""
    if session.get(Authenticator, person.id) is None and not _count(session, Passkey, person):
        session.execute(delete(RecoveryCode).where(RecoveryCode.person_id == person.id))
        theirs = SessionRecord.person_id == person.id
        session.execute(update(SessionRecord).where(theirs).values(second_factor=False))


def _step_of(secret: str, code: str, after: int) -> int | None:
    """The time step later than `after` whose code this is."""
    if not secret or len(code) != 6:
        return None
    totp, now = pyotp.TOTP(secret), int(time.time()) // _STEP_SECONDS
    for step in range(now - _STEPS_OFF, now + _STEPS_OFF + 1):
        expected = totp.generate_otp(step).encode()
        if step > after and hmac.compare_digest(expected, code.encode("utf-8", "surrogatepass")):
            return step
    return None


def _new_codes(session: Session, person: Person) -> list[str]:
    session.execute(delete(RecoveryCode).where(RecoveryCode.person_id == person.id))
    codes = ["-".join(secrets.token_hex(2) for _ in range(5)) for _ in range(RECOVERY_CODES)]
    session.add_all(RecoveryCode(person_id=person.id, hash=_hash(code)) for code in codes)
    return codes


def _count(session: Session, kind: type[Passkey | RecoveryCode], person: Person) -> int:
    return session.scalar(select(func.count()).select_from(kind).where(kind.person_id == person.id)) or 0


def _account(person: Person) -> str:
    """What wrong codes count against: guessing them does not shut out of the password, nor the other way round."""
    return f"code of {person.name}"


def _hash(code: str) -> str:
    plain = code.lower().replace("-", "")
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()
