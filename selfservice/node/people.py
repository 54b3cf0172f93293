"""People, looked after in a terminal of the master: where nobody can sign in any more, this still works."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from selfservice.accounts.accounts import Accounts
from selfservice.accounts.permissions import Permission
from selfservice.accounts.roles import Author
from selfservice.audit.journal import Journal
from selfservice.node import first_start
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
