"""Whose role asks for a second factor, and who has none: neither here nor where they sign in instead."""

from __future__ import annotations

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from selfservice.accounts.models import Person
from selfservice.accounts.security import settings_in
from selfservice.accounts.sign_in_models import Authenticator, OutsideIdentity, Passkey, ProviderRecord


def lacks_second_factor(session: Session, person: Person) -> bool:
    """Whether `person` would have to add one before anything opens for them."""
    return person.role.name in settings_in(session).second_factor_roles and not (
        _any(session, Authenticator.person_id == person.id)
        or _any(session, Passkey.person_id == person.id)
        or _shown_elsewhere(session, person)
    )


def _any(session: Session, theirs: ColumnElement[bool]) -> bool:
    return session.scalar(select(1).where(theirs).limit(1)) is not None


def _shown_elsewhere(session: Session, person: Person) -> bool:
    """Whether they sign in at a provider that asks for one itself."""
    theirs = select(ProviderRecord).join(OutsideIdentity).where(OutsideIdentity.person_id == person.id)
    providers = session.scalars(theirs.where(ProviderRecord.enabled))
    return any(provider.settings.get("second_factor_there") for provider in providers)
