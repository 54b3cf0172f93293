"""Who of another place is who here: found again by what stays the same there, never by a name or an address."""

from __future__ import annotations

import re
from collections.abc import Callable

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from selfservice.accounts.accounts import Accounts, is_name, normal
from selfservice.accounts.errors import LastAdministrator, NameTaken, SessionNotFound
from selfservice.accounts.models import Person
from selfservice.accounts.people import check_display_name
from selfservice.accounts.permissions import Permission
from selfservice.accounts.providers import OutsidePerson, Provider, SignInElsewhereFailed
from selfservice.accounts.roles import Author
from selfservice.accounts.sign_in_models import OutsideIdentity
from selfservice.audit.actions import Action, Actor, Kind, Outcome
from selfservice.audit.journal import Journal
from selfservice.errors import BadInput
from selfservice.store.database import Database

#: Gets a person who signs in elsewhere and the groups they are in there: for whatever else depends on groups.
TellGroups = Callable[[Person, frozenset[str]], None]


def tell_nobody(person: Person, groups: frozenset[str]) -> None:
    """Nothing here depends on groups but roles."""


class OutsidePeople:
    """People of this node who sign in elsewhere."""

    def __init__(
        self, database: Database, journal: Journal, accounts: Accounts, tell_groups: TellGroups = tell_nobody
    ) -> None:
        """Keep who is who in `database`; call `tell_groups` at every sign-in."""
        self._database = database
        self._journal = journal
        self._accounts = accounts
        self._tell_groups = tell_groups

    def of(self, person: Person) -> list[OutsideIdentity]:
        """Where `person` can sign in elsewhere."""
        with self._database.session() as session:
            return list(session.scalars(select(OutsideIdentity).where(OutsideIdentity.person_id == person.id)))

    def person_for(self, provider: Provider, outside: OutsidePerson, address: str) -> Person:
        """Who this is here: a new account at the first time, the role after the groups each time.

        Raises `SignInElsewhereFailed` with the reason where they may not come in; it is audited.
        """
        try:
            person = self._found(provider, outside) or self._made(provider, outside)
            if not person.active:
                raise SignInElsewhereFailed("Your account here is out of use. Ask an administrator.")
            person = self._with_role(person, provider, outside)
        except SignInElsewhereFailed:
            actor = Actor("anonymous", "session", address)
            who = f"somebody of {provider.title}"
            self._journal.append(Action(Kind.ACCOUNT_SIGN_IN, actor, who, Outcome.REFUSED))
            raise
        self._tell_groups(person, outside.groups)
        return person

    def link(self, person: Person, provider: Provider, outside: OutsidePerson, actor: Actor) -> None:
        """Let `person` sign in as who they have shown to be elsewhere. Raises `BadInput` where somebody is that."""
        with self._database.session() as session:
            session.add(OutsideIdentity(provider_id=provider.id, subject=outside.subject, person_id=person.id))
            try:
                session.flush()
            except IntegrityError as error:
                raise BadInput(f"This account of {provider.title} belongs to somebody here already.") from error
            detail = {"provider": provider.name, "linked": "yes"}
            self._journal.append(Action(Kind.ACCOUNT_LINK, actor, person.name, detail=detail))

    def unlink(self, number: int, person: Person, actor: Actor) -> None:
        """Let `person` sign in there no longer. Raises `BadInput` where nothing would be left to sign in by."""
        links = self.of(person)
        link = next((each for each in links if each.id == number), None)
        if link is None:
            raise SessionNotFound("This is gone already.")
        if not person.password_hash and len(links) == 1:
            raise BadInput("You have no password here: without this you could not sign in any more.")
        with self._database.session() as session:
            session.execute(delete(OutsideIdentity).where(OutsideIdentity.id == number))
            detail = {"provider": link.provider.name, "linked": "no"}
            self._journal.append(Action(Kind.ACCOUNT_LINK, actor, person.name, detail=detail))

    def _found(self, provider: Provider, outside: OutsidePerson) -> Person | None:
        theirs = OutsideIdentity.provider_id == provider.id, OutsideIdentity.subject == outside.subject
        with self._database.session() as session:
            identity = session.scalar(select(OutsideIdentity).where(*theirs))
            return identity.person if identity else None

    def _made(self, provider: Provider, outside: OutsidePerson) -> Person:
        settings = provider.settings
        if not settings.new_people:
            raise SignInElsewhereFailed(
                f"Nobody here belongs to this account of {provider.title}. "
                "Sign in as you do otherwise, and link it under My account."
            )
        if settings.domains and outside.email.rpartition("@")[2] not in settings.domains:
            raise SignInElsewhereFailed("Your e-mail address is not one of those that may come in here.")
        role = settings.role_for(outside.groups)
        if not role:
            raise SignInElsewhereFailed(f"None of your groups at {provider.title} may come in here.")
        email = outside.email if outside.email and self._accounts.with_email(outside.email) is None else None

        def with_identity(session: Session, person: Person) -> None:
            session.add(OutsideIdentity(provider_id=provider.id, subject=outside.subject, person_id=person.id))

        actor = Actor("system", "system", "local")
        for name in _names(outside):
            try:
                return self._accounts.create_person(
                    name, "", actor, display_name=_shown(outside, name), role=role, email=email, also=with_identity
                )
            except NameTaken:
                continue
        raise SignInElsewhereFailed("No name could be found for you here. Ask an administrator.")

    def _with_role(self, person: Person, provider: Provider, outside: OutsidePerson) -> Person:
        """Whoever is in another group since has another role; where nothing is said of groups it stays."""
        if not provider.settings.group_roles:
            return person
        role = provider.settings.role_for(outside.groups)
        if not role:
            raise SignInElsewhereFailed(f"None of your groups at {provider.title} may come in here.")
        if role == person.role.name:
            return person
        everybody = Author(Actor("system", "system", "local"), frozenset(Permission))
        try:
            return self._accounts.people.give_role(person.name, role, everybody)
        except LastAdministrator:
            return person


def _names(outside: OutsidePerson) -> list[str]:
    """What somebody could be called here, the best first; never a name that somebody has, whatever they say."""
    words = (outside.name.partition("@")[0], outside.email.partition("@")[0], outside.display_name)
    cleaned = [re.sub(r"[^a-z0-9._-]+", "-", normal(word)).strip("-._")[:60] for word in words]
    good = [each for each in cleaned if is_name(each)] or ["somebody"]
    return [*good, *(f"{good[0]}-{number}" for number in range(2, 100))]


def _shown(outside: OutsidePerson, name: str) -> str:
    shown = " ".join(outside.display_name.split())[:120]
    try:
        check_display_name(shown)
    except BadInput:
        return name
    return shown
