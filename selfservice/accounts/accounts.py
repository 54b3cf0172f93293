"""The rules of accounts: who signs in, how passwords change; every one of them audited."""

from __future__ import annotations

import re

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from selfservice.accounts import passwords
from selfservice.accounts.builtin_roles import ADMINISTRATOR, TECHNICAL_AGENT, keep_in_step
from selfservice.accounts.errors import NameTaken, SignInRefused
from selfservice.accounts.models import Identity, Person
from selfservice.accounts.people import People, check_display_name, role_called
from selfservice.accounts.roles import Author, Roles
from selfservice.accounts.tokens import Tokens
from selfservice.audit.actions import SYSTEM, Action, Actor, Kind, Outcome
from selfservice.audit.journal import Journal
from selfservice.errors import ApplicationError, BadInput
from selfservice.settings import SettingError, Settings
from selfservice.store.database import Database
from selfservice.store.files import locked

FIRST_ADMIN = "admin"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}\Z")


class Accounts:
    """People and tokens of this node.

    Each change is written to the audit before its transaction is committed, so nothing
    happens that the audit does not know.
    """

    def __init__(self, database: Database, journal: Journal, hashing: passwords.Passwords | None = None) -> None:
        """Keep accounts in `database` and record what happens to them in `journal`."""
        self._database = database
        self._journal = journal
        self._passwords = hashing or passwords.Passwords()
        self.tokens = Tokens(database, journal)
        self.roles = Roles(database, journal)
        self.people = People(database, journal)

    def create_person(
        self, name: str, password: str, actor: Actor, *, display_name: str = "", role: str = TECHNICAL_AGENT
    ) -> Person:
        """A new account. Raises `BadInput` for what cannot be used, `RoleNotFound`."""
        name = normal(name)
        if not _NAME.match(name):
            raise BadInput(
                f"The name {name!r} cannot be used: take up to 64 letters, digits, dots, dashes or "
                "underscores, a letter or digit first.",
                "name",
            )
        passwords.check_new(password, name, "password")
        check_display_name(display_name or name)
        person = Person(name=name, display_name=display_name or name, password_hash=self._passwords.hash(password))
        with self._database.session() as session:
            person.role = role_called(session, role)
            session.add(person)
            try:
                session.flush()
            except IntegrityError as error:
                raise NameTaken(f"There is an account called {name} already.", "name") from error
            action = Action(Kind.ACCOUNT_CREATE, actor, name, detail={"role": role})
            self._journal.append(action)
        return person

    def sign_in(self, name: str, password: str, address: str) -> Person:
        """The person with this name and password. Raises `SignInRefused`; both are audited."""
        name = normal(name)
        person = self.find(name) if _NAME.match(name) else None
        matches = self._passwords.matches(person.password_hash if person else None, password)
        if person is None or not matches or not person.active:
            # What was typed into the field of the name may be a password: unknown ones are not kept.
            target = person.name if person else "an unknown name"
            self._record(Kind.ACCOUNT_SIGN_IN, Actor("anonymous", "session", address), target, Outcome.REFUSED)
            raise SignInRefused
        self._record(Kind.ACCOUNT_SIGN_IN, Actor(person.name, "session", address), person.name)
        if self._passwords.outdated(person.password_hash):
            with self._database.session() as session:
                _again(session, person).password_hash = self._passwords.hash(password)
        return person

    def sign_out(self, actor: Actor) -> None:
        """Record that `actor` ended a session."""
        self._record(Kind.ACCOUNT_SIGN_OUT, actor, actor.name)

    def change_password(self, person: Person, old: str, new: str, actor: Actor) -> Person:
        """The person with password `new` and a session version that ends all other sessions.

        Raises `BadInput` where `old` is wrong or `new` cannot be chosen; a wrong `old` is audited.
        """
        if not self._passwords.matches(person.password_hash, old):
            self._record(Kind.ACCOUNT_PASSWORD, actor, person.name, Outcome.REFUSED)
            raise BadInput("This is not your present password.", "old")
        if old == new:
            raise BadInput("The new password is the same as the old one.", "new")
        passwords.check_new(new, person.name)
        return self._set_password(person, new, actor)

    def add_person(self, name: str, display_name: str, role: str, author: Author) -> tuple[Person, str]:
        """Somebody new and their first password, to be shown once. Raises what `create_person` raises, `Forbidden`."""
        author.refuse_beyond(self.roles.get(role).rights, f"add somebody as {role}")
        password = passwords.generate()
        person = self.create_person(name, password, author.actor, display_name=display_name.strip(), role=role)
        return person, password

    def new_password(self, name: str, author: Author) -> tuple[Person, str]:
        """Another password for somebody who forgot theirs, to be shown once; their sessions end.

        Raises `AccountNotFound`, and `Forbidden` for somebody who may more than `author`.
        """
        person = self.people.get(name)
        author.refuse_beyond(person.permissions, f"give {name} a password")
        password = passwords.generate()
        return self._set_password(person, password, author.actor), password

    def by_session(self, session_id: str) -> Person | None:
        """The person a session belongs to, or None where that session has ended."""
        number, _, version = session_id.partition(":")
        if not (number.isascii() and number.isdigit()):
            return None
        with self._database.session() as session:
            person = session.get(Person, int(number))
        if person is None or not person.active or str(person.session_version) != version:
            return None
        return person

    def unchanged(self, identity: Identity) -> bool:
        """Whether somebody who came in some time ago would come in now, with the same rights."""
        now = self.by_session(identity.get_id()) if isinstance(identity, Person) else self.tokens.by_id(identity.id)
        return now is not None and now.active and now.permissions == identity.permissions

    def any_person(self) -> bool:
        """Whether there is any account at all."""
        with self._database.session() as session:
            return bool(session.scalar(select(func.count()).select_from(Person)))

    def find(self, name: str) -> Person | None:
        """The person called `name`, active or not."""
        with self._database.session() as session:
            return session.scalar(select(Person).where(Person.name == name))

    def _set_password(self, person: Person, new: str, actor: Actor) -> Person:
        with self._database.session() as session:
            changed = _again(session, person)
            changed.password_hash = self._passwords.hash(new)
            changed.session_version = Person.session_version + 1
            session.flush()
            session.refresh(changed)
            self._record(Kind.ACCOUNT_PASSWORD, actor, person.name)
        return changed

    def _record(self, kind: Kind, actor: Actor, target: str, outcome: Outcome = Outcome.OK) -> None:
        self._journal.append(Action(kind=kind, actor=actor, target=target, outcome=outcome))


def normal(name: str) -> str:
    """The form in which names are kept and compared."""
    return name.strip().lower()


def ensure_first_admin(settings: Settings) -> str | None:
    """Keep the roles of the program in step, and create the first administrator where there is no account yet.

    Gives the password where one was generated: show it once, it is not kept. Raises
    `SettingError` where SELFSERVICE_ADMIN_PASSWORD cannot be used.
    """
    database = Database(settings)
    try:
        accounts = Accounts(database, Journal(settings.audit, settings.node_name))
        with locked(settings.instance / ".first_admin.lock"):
            with database.session() as session:
                keep_in_step(session)
            return None if accounts.any_person() else _create_first_admin(accounts, settings)
    finally:
        database.close()


def _create_first_admin(accounts: Accounts, settings: Settings) -> str | None:
    password = settings.admin_password or passwords.generate()
    try:
        accounts.create_person(FIRST_ADMIN, password, SYSTEM, display_name="Administrator", role=ADMINISTRATOR)
    except BadInput as error:
        raise SettingError(f"SELFSERVICE_ADMIN_PASSWORD cannot be used. {error.sentence}") from error
    return None if settings.admin_password else password


def _again(session: Session, person: Person) -> Person:
    """`person` inside this transaction."""
    found = session.get(Person, person.id)
    if found is None:
        raise ApplicationError("This account was removed a moment ago.")
    return found
