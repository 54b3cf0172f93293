"""The rules of roles: named sets of permissions, of which nobody makes one that may more than they may."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError

from selfservice.accounts.errors import NameTaken, RoleInUse, RoleNotFound
from selfservice.accounts.models import Person, Role
from selfservice.accounts.permissions import EVERYBODY, Permission
from selfservice.audit.actions import Action, Actor, Kind
from selfservice.audit.journal import Journal
from selfservice.errors import BadInput, ChangedMeanwhile, Forbidden
from selfservice.store.database import Database

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*\Z")
_LONGEST_NAME = 40
_LONGEST_DESCRIPTION = 200


@dataclass(frozen=True)
class Author:
    """Who changes people and roles, and what they may themselves."""

    actor: Actor
    permissions: frozenset[Permission]

    def refuse_beyond(self, permissions: Collection[Permission], what: str) -> None:
        """Raise `Forbidden` where one of `permissions` is not their own: nobody hands out more than they have."""
        if beyond := sorted(set(permissions) - self.permissions):
            raise Forbidden(f"{self.actor.name} cannot {what}: it has the right “{beyond[0]}”, which they have not.")


class Roles:
    """The roles of this node."""

    def __init__(self, database: Database, journal: Journal) -> None:
        """Keep roles in `database` and record changes in `journal`."""
        self._database = database
        self._journal = journal

    def all(self) -> list[Role]:
        """Every role, those that come with the program first."""
        with self._database.session() as session:
            return list(session.scalars(select(Role).order_by(Role.builtin.desc(), Role.id)))

    def counts(self) -> dict[str, int]:
        """How many people in use have each role."""
        statement = select(Role.name, func.count()).join(Person).where(Person.active).group_by(Role.name)
        with self._database.session() as session:
            return {name: count for name, count in session.execute(statement)}  # noqa: C416  # typed

    def get(self, name: str) -> Role:
        """The role called `name`. Raises `RoleNotFound`."""
        with self._database.session() as session:
            found = session.scalar(select(Role).where(Role.name == name))
        if found is None:
            raise RoleNotFound(f"There is no role called {name[:80]} (any more).")
        return found

    def create(self, name: str, description: str, permissions: Collection[str], author: Author) -> Role:
        """A new role. Raises `BadInput` naming the field, `NameTaken`, `Forbidden`."""
        name = name.strip().lower()
        if not _NAME.match(name) or len(name) > _LONGEST_NAME:
            raise BadInput(
                f"A role is named by up to {_LONGEST_NAME} small letters, digits and dashes, such as night-shift.",
                "name",
            )
        rights = _checked(permissions)
        author.refuse_beyond(rights, "make this role")
        role = Role(name=name, description=_described(description), permissions=sorted(rights), version=1)
        with self._database.session() as session:
            session.add(role)
            try:
                session.flush()
            except IntegrityError as error:
                raise NameTaken(f"There is a role called {name} already.", "name") from error
            self._record(Kind.ROLE_CREATE, author, name, {"permissions": ", ".join(role.permissions)})
        return role

    def change(self, name: str, description: str, permissions: Collection[str], version: int, author: Author) -> None:
        """Give the role other permissions, from this moment on for all who have it.

        Raises `RoleNotFound`, `BadInput`, `Forbidden`, and `ChangedMeanwhile` where `version` is not its present one.
        """
        role, rights = self._own(name), _checked(permissions)
        author.refuse_beyond(rights | role.rights, "change this role")
        values = {"description": _described(description), "permissions": sorted(rights), "version": version + 1}
        statement = update(Role).where(Role.name == name, Role.version == version).values(values)
        with self._database.session() as session:
            if session.execute(statement).rowcount != 1:  # type: ignore[attr-defined]
                raise ChangedMeanwhile(
                    f"Somebody else has changed {role.title} since you opened it: it has now the rights "
                    f"{', '.join(sorted(role.rights))}. Save again to have it as below."
                )
            self._record(Kind.ROLE_CHANGE, author, name, _difference(role.rights, rights))

    def remove(self, name: str, author: Author) -> None:
        """Remove a role that nobody has. Raises `RoleNotFound`, `RoleInUse`, `Forbidden`."""
        role = self._own(name)
        author.refuse_beyond(role.rights, "remove this role")
        with self._database.session() as session:
            try:
                session.execute(delete(Role).where(Role.id == role.id))
            except IntegrityError as error:
                raise RoleInUse(f"People have the role {role.title}, maybe out of use; give them another.") from error
            self._record(Kind.ROLE_REMOVE, author, name, {})

    def _own(self, name: str) -> Role:
        role = self.get(name)
        if role.builtin:
            raise Forbidden(f"{role.title} comes with the program and stays as it is; make another role instead.")
        return role

    def _record(self, kind: Kind, author: Author, name: str, detail: dict[str, str]) -> None:
        self._journal.append(Action(kind=kind, actor=author.actor, target=f"role {name}", detail=detail))


def _checked(permissions: Collection[str]) -> frozenset[Permission]:
    known = {each.value: each for each in Permission}
    if unknown := sorted(set(permissions) - set(known)):
        raise BadInput(f"There is no right “{unknown[0][:80]}”.", "permissions")
    return EVERYBODY.union(known[each] for each in permissions)


def _described(description: str) -> str:
    description = description.strip()
    if len(description) > _LONGEST_DESCRIPTION or not description.isprintable():
        raise BadInput(f"A description is one line of at most {_LONGEST_DESCRIPTION} characters.", "description")
    return description


def _difference(old: frozenset[Permission], new: frozenset[Permission]) -> dict[str, str]:
    sides = {"given": sorted(new - old), "taken": sorted(old - new)}
    return {name: ", ".join(rights) for name, rights in sides.items() if rights}
