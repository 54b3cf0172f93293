"""People and their tokens, looked after in a terminal of the master: also where nobody can sign in any more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from selfservice.accounts.accounts import Accounts
from selfservice.accounts.models import Token
from selfservice.accounts.permissions import Permission
from selfservice.accounts.roles import Author
from selfservice.accounts.tokens import Terms
from selfservice.audit.journal import Journal
from selfservice.node import first_start
from selfservice.projects.secrets import Secrets
from selfservice.projects.vault import Vault
from selfservice.settings import NodeType, SettingError, Settings
from selfservice.store.database import Database
from selfservice.terminal.person import actor


def add(settings: Settings, name: str, role: str) -> str:
    """Add somebody; their password, to be shown once. Raises BadInput, NameTaken, RoleNotFound."""
    with accounts_of(settings) as accounts:
        person, password = accounts.add_person(name, "", role, _author())
    return f"{person.name} signs in with this password, shown this once: {password}"


def listed(settings: Settings) -> str:
    """One line a person."""
    with accounts_of(settings) as accounts:
        rows = accounts.people.all()
    return "\n".join(f"{each.name}  {each.role.name}{'' if each.active else '  (out of use)'}" for each in rows)


def give_role(settings: Settings, name: str, role: str) -> str:
    """Give somebody another role. Raises AccountNotFound, RoleNotFound, LastAdministrator."""
    with accounts_of(settings) as accounts:
        person = accounts.people.give_role(name, role, _author())
    return f"{person.name} is now {person.role.name}."


def reset_second_factor(settings: Settings, name: str) -> str:
    """Take every second factor from somebody. Raises AccountNotFound."""
    with accounts_of(settings) as accounts:
        person = accounts.people.reset_second_factor(name, _author())
    return f"{person.name} signs in without a second factor until they add one."


def create_token(settings: Settings, name: str, scope: str, person: str, days: int | None = None) -> str:
    """Make a token of a person; the secret, to be shown once. Raises BadInput, NameTaken, AccountNotFound."""
    with accounts_of(settings) as accounts:
        return accounts.tokens.create(name, accounts.people.get(person), scope, actor(), Terms(days))[1]


def list_tokens(settings: Settings) -> str:
    """One line a token in use."""
    with accounts_of(settings) as accounts:
        return "\n".join(_line(token) for token in accounts.tokens.all() if token.active)


def revoke_token(settings: Settings, name: str) -> str:
    """Close a token. Raises TokenNotFound."""
    with accounts_of(settings) as accounts:
        return f"The token {accounts.tokens.revoke(name, actor()).name} is revoked."


def rotate_key(settings: Settings) -> str:
    """Seal the secrets of projects by a new key. Raises SecretsUnreadable, Unavailable."""
    with accounts_of(settings):
        database = Database(settings)
        try:
            journal = Journal(settings.audit, settings.node_name)
            count = Secrets(database, journal, Vault(settings.vault_keys_file)).rotate(actor())
        finally:
            database.close()
    return f"{count} value{'' if count == 1 else 's'} sealed by a new key in {settings.vault_keys_file}."


def _line(token: Token) -> str:
    until, used = _day(token.expires_at, "revoked"), _day(token.last_used_at, "never")
    return f"{token.name}  {token.scope}  until {until}  used {used}"


def _day(moment: datetime | None, otherwise: str) -> str:
    return moment.date().isoformat() if moment else otherwise


@contextmanager
def accounts_of(settings: Settings) -> Iterator[Accounts]:
    """The accounts of this master."""
    if settings.node_type is not NodeType.MASTER:
        raise SettingError("People and their tokens are looked after on the master.")
    first_start.prepare(settings)
    database = Database(settings)
    try:
        yield Accounts(database, Journal(settings.audit, settings.node_name))
    finally:
        database.close()


def _author() -> Author:
    """Whoever is at this terminal may do everything."""
    return Author(actor(), frozenset(Permission))
