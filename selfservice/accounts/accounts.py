"""The rules of accounts: who signs in, how passwords change; every one of them audited."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NoReturn

from precis_i18n import get_profile
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from selfservice.accounts import passwords
from selfservice.accounts.builtin_roles import ADMINISTRATOR, TECHNICAL_AGENT, keep_in_step
from selfservice.accounts.errors import NameTaken, SignInRefused
from selfservice.accounts.lockout import Lockout
from selfservice.accounts.models import Identity, Person
from selfservice.accounts.people import People, check_display_name, role_called
from selfservice.accounts.roles import Author, Roles
from selfservice.accounts.security import Security
from selfservice.accounts.sessions import Sessions
from selfservice.accounts.tokens import Tokens
from selfservice.audit.actions import SYSTEM, Action, Actor, Kind, Outcome
from selfservice.audit.journal import Journal
from selfservice.errors import ApplicationError, BadInput
from selfservice.settings import SettingError, Settings
from selfservice.store.database import Database
from selfservice.store.files import locked

FIRST_ADMIN = "admin"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}\Z")
_SPELLING = get_profile("UsernameCaseMapped")


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
        self.sessions = Sessions(database, journal)
        self.security = Security(database, journal)
        self.lockout = Lockout(database)

    def create_person(  # noqa: PLR0913  # what there is to know of somebody
        self,
        name: str,
        password: str,
        actor: Actor,
        *,
        display_name: str = "",
        role: str = TECHNICAL_AGENT,
        email: str | None = None,
        also: Callable[[Session, Person], None] | None = None,
    ) -> Person:
        """A new account; without a password, of somebody who signs in elsewhere; `also` adds what belongs to it.

        Raises `BadInput` for what cannot be used, `NameTaken`, `RoleNotFound`.
        """
        name = normal(name)
        if not is_name(name):
            raise BadInput(
                f"The name {name!r} cannot be used: take up to 64 letters, digits, dots, dashes or "
                "underscores, a letter or digit first.",
                "name",
            )
        if password:
            passwords.check_new(password, name, "password")
        check_display_name(display_name or name)
        kept = self._passwords.hash(password) if password else ""
        person = Person(name=name, display_name=display_name or name, password_hash=kept, email=email)
        with self._database.session() as session:
            person.role = role_called(session, role)
            session.add(person)
            try:
                session.flush()
            except IntegrityError as error:
                raise NameTaken(f"There is an account called {name} already.", "name") from error
            if also:
                also(session, person)
            action = Action(Kind.ACCOUNT_CREATE, actor, name, detail={"role": role})
            self._journal.append(action)
        return person

    def check_password(self, name: str, password: str, address: str) -> Person:
        """The person with this name (or e-mail address) and password, who is not in yet: see `enter`.

        Raises `SignInRefused`, which is audited, and `TooManyAttempts`.
        """
        person = self.typed(name)
        account = person.name if person else normal(name)
        self.lockout.check(account, address)
        if not self.is_password(person, password):
            self.refuse(account, person, address)
        assert person is not None  # noqa: S101  # a password is somebody's
        return person

    def is_password(self, person: Person | None, password: str) -> bool:
        """Whether this is the password of `person`, in use; the same work where there is nobody."""
        matches = self._passwords.matches((person.password_hash or None) if person else None, password)
        if person is None or not matches or not person.active:
            return False
        if self._passwords.outdated(person.password_hash):
            with self._database.session() as session:
                _again(session, person).password_hash = self._passwords.hash(password)
        return True

    def typed(self, name: str) -> Person | None:
        """Whoever is meant by what was typed as a name: a name or an e-mail address."""
        if "@" in name:
            return self.with_email(name)
        return self.find(normal(name)) if is_name(normal(name)) else None

    def refuse(self, account: str, person: Person | None, address: str) -> NoReturn:
        """Count and record that somebody could not sign in as `account`. Raises `SignInRefused`."""
        self.lockout.note_wrong(account, address)
        # What was typed into the field of the name may be a password: unknown ones are not kept.
        target = person.name if person else "an unknown name"
        self._record(Kind.ACCOUNT_SIGN_IN, Actor("anonymous", "session", address), target, Outcome.REFUSED)
        raise SignInRefused

    def enter(self, person: Person, way: str, address: str, agent: str, *, second_factor: bool = False) -> Person:
        """Let `person`, who has shown by `way` who they are, in: a new session, recorded before it begins."""
        actor = Actor(person.name, "session", address)
        self._record(Kind.ACCOUNT_SIGN_IN, actor, person.name, detail={"by": way})
        self.lockout.forget(person.name)
        self.sessions.begin(person, way, address, agent, second_factor=second_factor)
        return person

    def sign_out(self, person: Person, actor: Actor) -> None:
        """End the session that `person` came with."""
        self._record(Kind.ACCOUNT_SIGN_OUT, actor, actor.name)
        self.sessions.forget(person.session_key)

    def confirm_password(self, person: Person, password: str, actor: Actor, field: str = "password") -> None:
        """Raise `BadInput` where this is not the password of `person`; it is counted and audited."""
        if not password:
            raise BadInput("Type your password.", field)
        self.lockout.check(person.name, actor.address)
        if not self._passwords.matches(person.password_hash, password):
            self.lockout.note_wrong(person.name, actor.address)
            self._record(Kind.ACCOUNT_PASSWORD, actor, person.name, Outcome.REFUSED)
            raise BadInput("This is not your present password.", field)

    def change_password(self, person: Person, old: str, new: str, actor: Actor) -> Person:
        """The person with password `new`; all their sessions end, this one as well: `sessions.begin` another.

        Raises `BadInput` where `old` is wrong or `new` cannot be chosen, `TooManyAttempts`; a wrong `old` is audited.
        """
        self.confirm_password(person, old, actor, "old")
        if old == new:
            raise BadInput("The new password is the same as the old one.", "new")
        passwords.check_new(new, person.name)
        return self.set_password(person, new, actor)

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
        return self.set_password(person, password, author.actor), password

    def unchanged(self, identity: Identity) -> bool:
        """Whether somebody who came in some time ago would come in now, with the same rights."""
        if isinstance(identity, Person):
            now: Identity | None = self.sessions.person_of(identity.session_key)
        else:
            now = self.tokens.by_id(identity.id)
        if now is None or not now.active or now.lacks_second_factor:
            return False
        return now.permissions == identity.permissions

    def any_person(self) -> bool:
        """Whether there is any account at all."""
        with self._database.session() as session:
            return bool(session.scalar(select(func.count()).select_from(Person)))

    def find(self, name: str) -> Person | None:
        """The person called `name`, active or not."""
        with self._database.session() as session:
            return session.scalar(select(Person).where(Person.name == name))

    def by_id(self, number: int) -> Person | None:
        """The person with this number, active or not."""
        with self._database.session() as session:
            return session.get(Person, number)

    def with_email(self, address: str) -> Person | None:
        """The person with this e-mail address, active or not."""
        with self._database.session() as session:
            return session.scalar(select(Person).where(Person.email == address.strip().lower()[:255]))

    def set_password(self, person: Person, new: str, actor: Actor) -> Person:
        """The person with a password that is known to be good; all their sessions end."""
        with self._database.session() as session:
            changed = _again(session, person)
            changed.password_hash = self._passwords.hash(new)
            changed.session_version = Person.session_version + 1
            session.flush()
            session.refresh(changed)
            self._record(Kind.ACCOUNT_PASSWORD, actor, person.name)
        return changed

    def _record(
        self,
        kind: Kind,
        actor: Actor,
        target: str,
        outcome: Outcome = Outcome.OK,
        detail: dict[str, str] | None = None,
    ) -> None:
        self._journal.append(Action(kind=kind, actor=actor, target=target, outcome=outcome, detail=detail or {}))


def normal(name: str) -> str:
    """The form in which names are kept and compared: RFC 8265, so that wide or capital letters make no other name."""
    try:
        return str(_SPELLING.enforce(name.strip()))
    except UnicodeEncodeError:
        return name.strip().lower()


def is_name(name: str) -> bool:
    """Whether somebody can be called so: letters of ASCII alone, so that no two names look alike."""
    return bool(_NAME.match(name))


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
