"""Passkeys: as a second factor, and to sign in without a password (WebAuthn Level 3)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from selfservice.accounts.errors import PasskeyNotFound, PasskeyRefused, StepGone
from selfservice.accounts.models import Person
from selfservice.accounts.second_factors import ensure_recovery_codes, forget_what_is_of_no_use
from selfservice.accounts.sign_in_models import Passkey
from selfservice.accounts.steps import Purpose, Steps
from selfservice.audit.actions import Action, Actor, Kind
from selfservice.audit.journal import Journal
from selfservice.errors import BadInput, Unavailable
from selfservice.store.database import Database

if TYPE_CHECKING:
    from selfservice.accounts.ceremonies import Ceremonies

_LONGEST_TITLE = 64
_AT_MOST = 20


class Passkeys:
    """The passkeys of the people of this node."""

    def __init__(self, database: Database, journal: Journal, steps: Steps, address: str) -> None:
        """Keep them in `database`; they are good for the dashboard at `address` alone."""
        self._database = database
        self._journal = journal
        self._steps = steps
        self._origin = address
        self._host = urlsplit(address).hostname or ""

    @property
    def address(self) -> str:
        """Where passkeys can be used; empty where nobody has said."""
        return self._origin

    def of(self, person: Person) -> list[Passkey]:
        """The passkeys of `person`, the oldest first."""
        with self._database.session() as session:
            return list(session.scalars(select(Passkey).where(Passkey.person_id == person.id).order_by(Passkey.id)))

    def begin_to_add(self, person: Person) -> tuple[str, dict[str, Any]]:
        """The key of the step, and what the browser is asked for. Raises `Unavailable`, `BadInput` for too many."""
        self._check_address()
        known = self.of(person)
        if len(known) >= _AT_MOST:
            raise BadInput(f"{_AT_MOST} passkeys are enough; remove one that you do not use.")
        challenge, options = self._ceremonies.wanted_to_add(person, [each.credential_id for each in known])
        return self._steps.begin(Purpose.PASSKEY_ADD, {"challenge": challenge}, person.id), options

    def add(self, key: str, title: str, credential: Mapping[str, Any], person: Person, actor: Actor) -> list[str]:
        """Keep what the browser made; gives recovery codes, to be shown once, where there were none.

        Raises `StepGone`, `PasskeyRefused`, `BadInput` for a title that cannot be used.
        """
        title = title.strip()
        if not title or len(title) > _LONGEST_TITLE or not title.isprintable():
            raise BadInput(f"Give it a name of 1 to {_LONGEST_TITLE} characters, such as “my phone”.", "title")
        step = self._steps.take(Purpose.PASSKEY_ADD, key)
        if step.person_id != person.id:
            raise StepGone
        made = self._ceremonies.made(credential, step.data["challenge"])
        with self._database.session() as session:
            session.add(
                Passkey(
                    person_id=person.id,
                    title=title,
                    credential_id=made.credential_id,
                    public_key=made.public_key,
                    sign_count=made.sign_count,
                )
            )
            try:
                session.flush()
            except IntegrityError as error:
                raise PasskeyRefused from error
            codes = ensure_recovery_codes(session, person)
            self._record(Kind.SECOND_FACTOR_ADD, actor, person, title)
        return codes

    def remove(self, number: int, person: Person, actor: Actor) -> None:
        """Take a passkey out of use. Raises `PasskeyNotFound`, also for one of somebody else."""
        with self._database.session() as session:
            mine = Passkey.id == number, Passkey.person_id == person.id
            found = session.scalar(select(Passkey).where(*mine))
            if found is None:
                raise PasskeyNotFound("This passkey is gone already.")
            session.execute(delete(Passkey).where(*mine))
            forget_what_is_of_no_use(session, person)
            self._record(Kind.SECOND_FACTOR_REMOVE, actor, person, found.title)

    def begin_to_use(self, person: Person | None) -> tuple[str, dict[str, Any]]:
        """The key of the step, and what the browser is asked for.

        As the second factor of `person`, or, without, of anybody, who then has to show to
        their device as well who they are. Raises `Unavailable`.
        """
        self._check_address()
        alone = person is None
        known = [each.credential_id for each in self.of(person)] if person else None
        challenge, options = self._ceremonies.wanted_to_use(known, certain_of_person=alone)
        data = {"challenge": challenge, "alone": alone}
        return self._steps.begin(Purpose.PASSKEY_USE, data, person.id if person else None), options

    def use(self, key: str, credential: Mapping[str, Any]) -> Person:
        """Whose passkey this is. Raises `StepGone`, `PasskeyRefused`."""
        step = self._steps.take(Purpose.PASSKEY_USE, key)
        wanted = str(credential.get("id", ""))[:1400]
        with self._database.session() as session:
            passkey = session.scalar(select(Passkey).where(Passkey.credential_id == wanted))
            if passkey is None or not passkey.person.active:
                raise PasskeyRefused
            if step.person_id is not None and step.person_id != passkey.person_id:
                raise PasskeyRefused
            sign_count = self._ceremonies.used(
                credential,
                step.data["challenge"],
                passkey.public_key,
                passkey.sign_count,
                certain_of_person=bool(step.data["alone"]),
            )
            values = {"sign_count": sign_count, "last_used_at": datetime.now(UTC)}
            session.execute(update(Passkey).where(Passkey.id == passkey.id).values(values))
            return passkey.person

    @cached_property
    def _ceremonies(self) -> Ceremonies:
        from selfservice.accounts.ceremonies import Ceremonies  # large, and many dashboards never need it

        return Ceremonies(self._host, self._origin)

    def _check_address(self) -> None:
        if not self._host:
            raise Unavailable("Passkeys need the address of this dashboard: SELFSERVICE_PUBLIC_URL is not set.")

    def _record(self, kind: Kind, actor: Actor, person: Person, title: str) -> None:
        self._journal.append(Action(kind, actor, person.name, detail={"factor": f"passkey {title}"}))
