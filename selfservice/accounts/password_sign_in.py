"""Name and password, of an account here or in a directory: the same work for every name."""

from __future__ import annotations

import logging
import secrets

from selfservice.accounts import directory
from selfservice.accounts.accounts import Accounts, normal
from selfservice.accounts.models import Person
from selfservice.accounts.outside_people import OutsidePeople
from selfservice.accounts.providers import OutsidePerson, Provider, ProviderKind, Providers
from selfservice.errors import ApplicationError, Unavailable

logger = logging.getLogger(__name__)


class PasswordSignIn:
    """Asks this node and then its directories."""

    def __init__(self, accounts: Accounts, providers: Providers, outside_people: OutsidePeople, ca_file: str) -> None:
        """Believe certificates by `ca_file`, where directories have no CA of their own."""
        self._accounts = accounts
        self._providers = providers
        self._outside_people = outside_people
        self._ca_file = ca_file

    def check(self, name: str, password: str, address: str) -> tuple[Person, str, bool]:
        """Whose name and password these are, by which way, and whether a second factor was asked for there.

        Raises `SignInRefused`, `TooManyAttempts`, `SignInElsewhereFailed` for who may not come in
        by a directory, and `Unavailable` where nobody was found and a directory did not answer.
        """
        records = self._providers.in_use(ProviderKind.LDAP)
        if not records:
            return self._accounts.check_password(name, password, address), "password", False
        person = self._accounts.typed(name)
        account = person.name if person else normal(name)
        self._accounts.lockout.check(account, address)
        if self._accounts.is_password(person, password):
            assert person is not None  # noqa: S101  # a password is somebody's
            return person, "password", False
        # The password of an account here is no business of a directory, and its names are looked up all the same.
        sent = secrets.token_urlsafe(18) if person and person.password_hash else password
        provider, outside = self._asked([self._providers.ready(each) for each in records], name, sent)
        if provider is None or outside is None:
            self._accounts.refuse(account, person, address)
        found = self._outside_people.person_for(provider, outside, address)
        return found, provider.title, provider.settings.second_factor_there

    def _asked(
        self, providers: list[Provider], name: str, password: str
    ) -> tuple[Provider | None, OutsidePerson | None]:
        silent = ""
        for provider in providers:
            try:
                outside = directory.authenticate(provider, name.strip(), password, self._ca_file)
            except ApplicationError as error:
                logger.warning("%s could not be asked: %s", provider.name, error.sentence)
                silent = provider.title
                continue
            if outside is not None:
                return provider, outside
        if silent:
            raise Unavailable(f"{silent} does not answer at the moment. Try again in a moment.")
        return None, None
