"""The records of accounts: people, and tokens for scripts."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import JSON, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from selfservice.accounts.permissions import SCOPES, Permission, Scope, decide
from selfservice.store.database import Record, UtcDateTime


def _now() -> datetime:
    return datetime.now(UTC)


class Role(Record):
    """A named set of permissions."""

    __tablename__ = "roles"

    id: Mapped[int] = mapped_column(primary_key=True)
    #: Lower case with dashes, unique; what operations name.
    name: Mapped[str] = mapped_column(String(40), unique=True)
    description: Mapped[str] = mapped_column(String(200), default="")
    permissions: Mapped[list[str]] = mapped_column(JSON, default=list)
    #: Has every permission there is, also those of later versions.
    everything: Mapped[bool] = mapped_column(default=False)
    #: Comes with the program, which keeps its permissions.
    builtin: Mapped[bool] = mapped_column(default=False)
    #: Raised by every edit, so that two people do not overwrite each other unknowingly.
    version: Mapped[int] = mapped_column(default=1)

    @property
    def title(self) -> str:
        """What pages call it."""
        return self.name.replace("-", " ").capitalize()

    @property
    def rights(self) -> frozenset[Permission]:
        """Its permissions; names that this version does not know give nothing."""
        if self.everything:
            return frozenset(Permission)
        return frozenset(each for each in Permission if each.value in self.permissions)


class Person(Record):
    """Somebody who signs in with a name and a password."""

    __tablename__ = "people"

    id: Mapped[int] = mapped_column(primary_key=True)
    #: What is typed to sign in; lower case, unique.
    name: Mapped[str] = mapped_column(String(64), unique=True)
    display_name: Mapped[str] = mapped_column(String(120))
    #: Empty for somebody who signs in elsewhere.
    password_hash: Mapped[str] = mapped_column(String(255))
    #: Shown to be theirs by a code or by whoever else says who they are; lower case, unique.
    email: Mapped[str | None] = mapped_column(String(254), unique=True, default=None)
    role_id: Mapped[int] = mapped_column(ForeignKey("roles.id"))
    role: Mapped[Role] = relationship(lazy="joined", innerjoin=True)
    #: Sees all projects, whatever they are members of.
    is_manager: Mapped[bool] = mapped_column(default=False)
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=_now)
    #: Raised to end every session of this person at once.
    session_version: Mapped[int] = mapped_column(default=1)
    #: Raised by every edit, so that two people do not overwrite each other unknowingly.
    version: Mapped[int] = mapped_column(default=1)

    #: The way in that audit records for a person in a browser.
    via = "session"
    #: What the cookie of this request holds; not kept.
    session_key = ""
    #: Whether the role asks for a second factor that this session has not; not kept.
    lacks_second_factor = False
    #: What Flask-Login asks of a signed-in person.
    is_authenticated = True
    is_anonymous = False

    @property
    def person_name(self) -> str:
        """Whose rights these are."""
        return self.name

    @property
    def role_name(self) -> str:
        """The role they come from."""
        return self.role.name

    @property
    def permissions(self) -> frozenset[Permission]:
        """What the role gives."""
        return self.role.rights

    @property
    def is_administrator(self) -> bool:
        """Whether every permission is given."""
        return self.role.everything

    @property
    def is_active(self) -> bool:
        """Flask-Login's name for `active`."""
        return self.active

    def get_id(self) -> str:
        """What the cookie keeps."""
        return self.session_key

    def may(self, permission: Permission) -> bool:
        """Whether this person has `permission`."""
        return decide(self, permission)


class Token(Record):
    """A secret by which a script calls the JSON API for a person, as far as its scope goes."""

    __tablename__ = "tokens"
    __table_args__ = (UniqueConstraint("person_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    person: Mapped[Person] = relationship(lazy="joined", innerjoin=True)
    #: What its person calls it.
    title: Mapped[str] = mapped_column("name", String(64))
    #: One of `permissions.Scope`.
    scope: Mapped[str] = mapped_column(String(16))
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    #: The first characters of the secret, so that people can tell tokens apart.
    prefix: Mapped[str] = mapped_column(String(16))
    #: SHA-256 of the secret: it has 256 random bits, so a slow hash would add nothing.
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=_now)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    revoked: Mapped[bool] = mapped_column(default=False)
    #: The names of the projects it is limited to; None for those of its person, and what is in none.
    projects: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True), default=None)

    via = "token"
    #: Whether the role of its person asks for a second factor that they do not have; not kept.
    lacks_second_factor = False
    is_authenticated = True
    is_anonymous = False

    @property
    def name(self) -> str:
        """What audit and pages call it: no person's name, as those have no slash."""
        return f"{self.person.name}/{self.title}"

    @property
    def display_name(self) -> str:
        """What pages call it."""
        return self.name

    @property
    def person_name(self) -> str:
        """Whose rights these are."""
        return self.person.name

    @property
    def role_name(self) -> str:
        """The role they come from."""
        return self.person.role_name

    @property
    def permissions(self) -> frozenset[Permission]:
        """What the role of its person gives, as far as the scope goes."""
        return self.person.permissions & SCOPES[Scope(self.scope)]

    @property
    def is_administrator(self) -> bool:
        """Whether every permission is given."""
        return self.permissions == frozenset(Permission)

    @property
    def expired(self) -> bool:
        """Whether its time is over."""
        return self.expires_at is not None and self.expires_at <= _now()

    @property
    def active(self) -> bool:
        """Whether it still opens the API."""
        return not self.revoked and not self.expired and self.person.active

    @property
    def is_active(self) -> bool:
        """Flask-Login's name for `active`."""
        return self.active

    def get_id(self) -> str:
        """Never kept in a session; Flask-Login asks for it all the same."""
        return f"token:{self.id}"

    def may(self, permission: Permission) -> bool:
        """Whether this token has `permission`."""
        return decide(self, permission)


#: Whoever a request acts for.
Identity = Person | Token
