"""A password for somebody who has none, as they sign in elsewhere: chosen soon after signing in, and nowhere else."""

from __future__ import annotations

from datetime import timedelta

from selfservice.accounts import passwords
from selfservice.accounts.accounts import Accounts
from selfservice.accounts.models import Person
from selfservice.accounts.outside_people import OutsidePeople
from selfservice.accounts.providers import ProviderKind
from selfservice.accounts.second_factors import SecondFactors
from selfservice.audit.actions import Actor
from selfservice.errors import Forbidden

#: A session that somebody left open must not become a password that outlasts it.
FRESH = timedelta(minutes=10)


class FirstPasswords:
    """Chooses them, for those who may."""

    def __init__(self, accounts: Accounts, outside_people: OutsidePeople, second_factors: SecondFactors) -> None:
        """Keep them in `accounts`."""
        self._accounts = accounts
        self._outside_people = outside_people
        self._second_factors = second_factors

    def why_not(self, person: Person) -> str:
        """Why `person`, in the session they came with, chooses none now; empty where they may."""
        if person.password_hash:
            return "You have a password: change that one."
        for identity in self._outside_people.of(person):
            if identity.provider.kind == ProviderKind.LDAP:
                return f"Your password is that of {identity.provider.title}, and is changed there."
        sessions, key = self._accounts.sessions, person.session_key
        if self._second_factors.of(person).any and not sessions.showed_second_factor(key):
            return "Sign out, and in again with your second factor: then you can choose a password."
        if not sessions.began_within(FRESH, key):
            minutes = int(FRESH.total_seconds()) // 60
            return f"Sign out, and in again: within {minutes} minutes of that you can choose a password."
        return ""

    def choose(self, person: Person, new: str, actor: Actor) -> Person:
        """The person with the password `new`; all their sessions end, this one as well: `sessions.begin` another.

        Raises `Forbidden` with what is in the way, `BadInput`.
        """
        if sentence := self.why_not(person):
            raise Forbidden(sentence)
        passwords.check_new(new, person.name)
        return self._accounts.set_password(person, new, actor)
