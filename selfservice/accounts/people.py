"""The rules of people: who they are, which role they have, and that an administrator always stays."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from precis_i18n import get_profile
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from selfservice.accounts.errors import AccountNotFound, LastAdministrator, RoleNotFound
from selfservice.accounts.models import Person, Role
from selfservice.accounts.roles import Author
from selfservice.accounts.sign_in_models import Authenticator, Passkey, RecoveryCode, SessionRecord
from selfservice.audit.actions import Action, Actor, Kind
from selfservice.audit.journal import Journal
from selfservice.errors import BadInput, ChangedMeanwhile
from selfservice.store.database import Database

LONGEST_DISPLAY_NAME = 120
_NICKNAME = get_profile("NicknameCaseMapped")


@dataclass(frozen=True)
class Standing:
    """What others decide about a person."""

    display_name: str
    role: str
    is_manager: bool
    active: bool


class People:
    """The people of this node, as those see them who look after them."""

    def __init__(self, database: Database, journal: Journal) -> None:
        """Change people in `database` and record it in `journal`."""
        self._database = database
        self._journal = journal

    def all(self) -> list[Person]:
        """Everybody, by name."""
        with self._database.session() as session:
            return list(session.scalars(select(Person).order_by(Person.name)))

    def get(self, name: str) -> Person:
        """The person called `name`. Raises `AccountNotFound`."""
        with self._database.session() as session:
            return _get(session, name)

    def change(self, name: str, wanted: Standing, version: int, author: Author) -> Person:
        """The person, as `wanted`; another role or being put out of use ends all their sessions.

        Raises `AccountNotFound`, `BadInput` naming the field, `Forbidden` where the role has
        more rights than the author, `LastAdministrator`, and `ChangedMeanwhile` where
        `version` is not the present one.
        """
        check_display_name(wanted.display_name)
        with self._database.session() as session:
            # Whoever demotes administrators waits here for the others who do.
            administrator = session.scalars(select(Role).where(Role.everything).with_for_update()).one()
            person, role = _get(session, name), role_called(session, wanted.role)
            before = standing_of(person)
            author.refuse_beyond(person.permissions, f"change {name}")
            author.refuse_beyond(role.rights, f"make {name} {role.title}")
            ends_sessions = (before.role, before.active) != (wanted.role, wanted.active)
            values = {
                "display_name": wanted.display_name,
                "role_id": role.id,
                "is_manager": wanted.is_manager,
                "active": wanted.active,
                "version": version + 1,
                "session_version": Person.session_version + (1 if ends_sessions else 0),
            }
            statement = update(Person).where(Person.id == person.id, Person.version == version).values(values)
            if session.execute(statement).rowcount != 1:  # type: ignore[attr-defined]
                raise ChangedMeanwhile(_told(person))
            if before.role == administrator.name and before.active:
                _refuse_without(session, administrator)
            session.refresh(person)
            self._journal.append(Action(Kind.ACCOUNT_CHANGE, author.actor, name, detail=_difference(before, wanted)))
        return person

    def give_role(self, name: str, role: str, author: Author) -> Person:
        """The person with another role and all else as it is: for somebody at the node's terminal."""
        person = self.get(name)
        return self.change(name, replace(standing_of(person), role=role), person.version, author)

    def rename(self, person: Person, display_name: str, version: int, actor: Actor) -> None:
        """Show `person`, who asks for it, by another name.

        Raises `BadInput` also for what others are called, `ChangedMeanwhile` where `version` is not the present one.
        """
        check_display_name(display_name)
        with self._database.session() as session:
            everybody = session.execute(select(Person.name, Person.display_name).where(Person.id != person.id))
            if comparable(display_name) in {comparable(each) for names in everybody for each in names}:
                raise BadInput(
                    "Somebody else is called so; take a name by which people tell you apart.", "display_name"
                )
            values = {"display_name": display_name, "version": version + 1}
            statement = update(Person).where(Person.id == person.id, Person.version == version).values(values)
            if session.execute(statement).rowcount != 1:  # type: ignore[attr-defined]
                now = session.get_one(Person, person.id, populate_existing=True).display_name
                raise ChangedMeanwhile.since("your account", {"shown as": now}, {"shown as": display_name})
            detail = {"display_name": f"{person.display_name} → {display_name}"}
            self._journal.append(Action(Kind.ACCOUNT_CHANGE, actor, person.name, detail=detail))

    def reset_second_factor(self, name: str, author: Author) -> Person:
        """Take every second factor from somebody who has lost it; their sessions end.

        Raises `AccountNotFound`, and `Forbidden` for somebody who may more than `author`.
        """
        person = self.get(name)
        author.refuse_beyond(person.permissions, f"reset the second factor of {name}")
        with self._database.session() as session:
            for kind in (Authenticator, Passkey, RecoveryCode, SessionRecord):
                session.execute(delete(kind).where(kind.person_id == person.id))
            self._journal.append(Action(Kind.SECOND_FACTOR_RESET, author.actor, name))
        return person


def standing_of(person: Person) -> Standing:
    """What is decided about a person now."""
    return Standing(person.display_name, person.role.name, person.is_manager, person.active)


def role_called(session: Session, name: str) -> Role:
    """The role called `name`, in this transaction. Raises `RoleNotFound`."""
    role = session.scalar(select(Role).where(Role.name == name))
    if role is None:
        raise RoleNotFound(f"There is no role called {name[:80]!r} (any more).")
    return role


def check_display_name(name: str) -> None:
    """Raise `BadInput` where `name` cannot be shown, or looks like another one by letters of several alphabets."""
    from confusable_homoglyphs import confusables  # 6 MB of letters, in memory only where somebody is named

    if not name.strip() or len(name) > LONGEST_DISPLAY_NAME or not name.isprintable():
        raise BadInput(
            f"The name to show is one line of 1 to {LONGEST_DISPLAY_NAME} printable characters.", "display_name"
        )
    if confusables.is_dangerous(name):
        raise BadInput(
            "This name mixes letters of several alphabets that look alike; write it in one of them.", "display_name"
        )


def comparable(name: str) -> str:
    """The same for names that differ in capitals, spaces or width alone (RFC 8266)."""
    try:
        return str(_NICKNAME.enforce(name))
    except UnicodeEncodeError:
        return name.strip().lower()


def _get(session: Session, name: str) -> Person:
    person = session.scalar(select(Person).where(Person.name == name))
    if person is None:
        raise AccountNotFound(f"There is no account called {name[:80]}.")
    return person


def _refuse_without(session: Session, administrator: Role) -> None:
    left = select(func.count()).select_from(Person).where(Person.role_id == administrator.id, Person.active)
    if not session.scalar(left):
        raise LastAdministrator(
            "This is the last administrator; make somebody else administrator first, or nobody could do it any more."
        )


def _difference(before: Standing, after: Standing) -> dict[str, str]:
    changed = [each.name for each in fields(Standing) if getattr(before, each.name) != getattr(after, each.name)]
    return {name: f"{_word(getattr(before, name))} → {_word(getattr(after, name))}" for name in changed}


def _told(person: Person) -> str:
    return (
        f"Somebody else has changed {person.name} since you opened it. Now: {person.display_name}, {person.role.title}"
        f"{', manager' if person.is_manager else ''}{'' if person.active else ', out of use'}. "
        "Save again to have it as below."
    )


def _word(value: object) -> str:
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)
