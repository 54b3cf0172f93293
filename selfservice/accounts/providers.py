"""The other places that say who somebody is, as an administrator set them up."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from selfservice.accounts.errors import NameTaken, ProviderNotFound
from selfservice.accounts.people import role_called
from selfservice.accounts.roles import Author
from selfservice.accounts.security import Security
from selfservice.accounts.sign_in_models import ProviderRecord
from selfservice.audit.actions import Action, Kind, Outcome
from selfservice.audit.journal import Journal
from selfservice.errors import ApplicationError, BadInput, ChangedMeanwhile, Unavailable
from selfservice.outgoing import check_address
from selfservice.store.database import Database
from selfservice.store.sealing import Seal, SealBroken

GOOGLE = "https://accounts.google.com"
FACEBOOK = "https://graph.facebook.com"
_NAME = re.compile(r"[a-z][a-z0-9-]{0,38}[a-z0-9]\Z")
_LONGEST = 2000


class ProviderKind(StrEnum):
    """How a provider is spoken to."""

    OPENID = "openid"
    FACEBOOK = "facebook"
    LDAP = "ldap"


class SignInElsewhereFailed(ApplicationError):
    """The other place gave no answer that can be used, or does not let this person in here."""

    status = 403
    problem_type = "sign-in-elsewhere-failed"
    title = "Signing in there did not work"


class ProviderSettings(BaseModel):
    """What is known of a provider, but for its secret."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    #: Issuer of OpenID Connect, address of the API of Facebook, or ldaps:// (ldap:// with StartTLS) of a directory.
    address: str = ""
    client_id: str = ""
    #: The claim or, in a directory, the attribute of a group with its name.
    groups: str = "groups"
    #: Group and role, the first that fits counts.
    group_roles: tuple[tuple[str, str], ...] = ()
    #: Of people in none of those groups; empty for not letting them in.
    default_role: str = ""
    #: Whether people get an account when they come for the first time.
    new_people: bool = True
    #: The part after the @ of verified addresses that may come in; empty for any.
    domains: tuple[str, ...] = ()
    #: Whether a second factor is asked for there, so that none is here.
    second_factor_there: bool = False
    #: A private CA (PEM) by which a directory is checked.
    ca: str = ""
    #: Who looks people up in a directory; their password is the secret of the provider.
    bind_dn: str = ""
    people_base: str = ""
    people_filter: str = "(uid={name})"
    groups_base: str = ""
    groups_filter: str = "(member={dn})"

    def role_for(self, groups: frozenset[str]) -> str:
        """The role of somebody in these groups; empty where they may not come in."""
        return next((role for group, role in self.group_roles if group in groups), self.default_role)


@dataclass(frozen=True)
class OutsidePerson:
    """Who somebody is at a provider, checked there."""

    subject: str
    name: str = ""
    display_name: str = ""
    #: Empty unless the provider says that it is theirs.
    email: str = ""
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Finding:
    """One thing that was tried with a provider."""

    what: str
    ok: bool
    sentence: str = ""


@dataclass(frozen=True)
class Provider:
    """One provider, ready to be asked."""

    id: int
    name: str
    kind: ProviderKind
    title: str
    secret: str
    settings: ProviderSettings
    #: Whether addresses of private networks may be called.
    private: bool


class Providers:
    """The providers of this node."""

    def __init__(self, database: Database, journal: Journal, seal: Seal, security: Security) -> None:
        """Keep them in `database`, their secrets sealed."""
        self._database = database
        self._journal = journal
        self._seal = seal
        self._security = security

    def all(self) -> list[ProviderRecord]:
        """Every provider, by title."""
        with self._database.session() as session:
            return list(session.scalars(select(ProviderRecord).order_by(ProviderRecord.title)))

    def in_use(self, *kinds: ProviderKind) -> list[ProviderRecord]:
        """Those of these kinds that people may sign in by."""
        return [each for each in self.all() if each.enabled and each.kind in kinds]

    def get(self, name: str) -> ProviderRecord:
        """One provider. Raises `ProviderNotFound`."""
        with self._database.session() as session:
            found = session.scalar(select(ProviderRecord).where(ProviderRecord.name == name))
        if found is None:
            raise ProviderNotFound(f"There is no way to sign in called {name[:80]} (any more).")
        return found

    def ready(self, record: ProviderRecord) -> Provider:
        """The provider behind a record, with its secret. Raises `Unavailable` where that cannot be read."""
        try:
            secret = self._seal.unseal(record.sealed_secret) if record.sealed_secret else ""
        except SealBroken as error:
            raise Unavailable("The secret of this provider was sealed by another key; give it again.") from error
        settings = ProviderSettings.model_validate(record.settings)
        private = self._security.current().private_addresses
        return Provider(record.id, record.name, ProviderKind(record.kind), record.title, secret, settings, private)

    def create(self, name: str, kind: str, values: dict[str, Any], author: Author) -> ProviderRecord:
        """Add one; `values` are `title`, `enabled`, `secret` and the fields of `ProviderSettings`.

        Raises `BadInput` naming the field, `NameTaken`, `RoleNotFound`, `Forbidden`.
        """
        if not _NAME.match(name):
            raise BadInput("It is named by 2 to 40 small letters, digits and dashes, such as google.", "name")
        if kind not in set(ProviderKind):
            raise BadInput("Choose how it is spoken to.", "kind")
        record = ProviderRecord(name=name, kind=kind, version=1, sealed_secret="")
        for field, value in self._checked(record, values, author).items():
            setattr(record, field, value)
        with self._database.session() as session:
            session.add(record)
            try:
                session.flush()
            except IntegrityError as error:
                raise NameTaken(f"There is a provider called {name} already.", "name") from error
            self._record(Kind.PROVIDER_CREATE, author, record)
        return record

    def change(self, name: str, values: dict[str, Any], version: int, author: Author) -> None:
        """Change one; an empty secret leaves the one that is kept. Raises as `create`, and `ChangedMeanwhile`."""
        record = self.get(name)
        changed = self._checked(record, values, author)
        with self._database.session() as session:
            mine = ProviderRecord.id == record.id, ProviderRecord.version == version
            done = session.execute(update(ProviderRecord).where(*mine).values(**changed, version=version + 1))
            if done.rowcount != 1:  # type: ignore[attr-defined]
                now = {"title": record.title, "enabled": record.enabled, **record.settings}
                raise ChangedMeanwhile.since(record.title, now, {**changed, **changed["settings"]})
            self._record(Kind.PROVIDER_CHANGE, author, record)

    def remove(self, name: str, author: Author) -> None:
        """Forget one; people who came by it keep their accounts."""
        record = self.get(name)
        with self._database.session() as session:
            session.execute(delete(ProviderRecord).where(ProviderRecord.id == record.id))
            self._record(Kind.PROVIDER_REMOVE, author, record)

    def note_check(self, record: ProviderRecord, findings: list[Finding], author: Author) -> None:
        """Record that somebody tried a provider, and how it went."""
        outcome = Outcome.OK if all(each.ok for each in findings) else Outcome.FAILED
        self._record(Kind.PROVIDER_CHECK, author, record, outcome)

    def _checked(self, record: ProviderRecord, values: dict[str, Any], author: Author) -> dict[str, Any]:
        title = " ".join(str(values.get("title", "")).split())
        if not title or len(title) > 80 or not title.isprintable():
            raise BadInput("Give it a title of at most 80 characters, such as Google.", "title")
        try:
            settings = ProviderSettings.model_validate(values)
        except ValidationError as error:
            raise BadInput("This cannot be used.", str(error.errors()[0]["loc"][0])) from error
        for field, value in settings.model_dump().items():
            if isinstance(value, str) and len(value) > (20_000 if field == "ca" else _LONGEST):
                raise BadInput("This is too long.", field)
        settings = settings.model_copy(update={"address": self._address(ProviderKind(record.kind), settings)})
        self._check_roles(settings, author)
        if record.kind == ProviderKind.LDAP:
            _check_directory(settings)
        elif not settings.client_id.strip():
            raise BadInput("Give the client id that the provider has given to this dashboard.", "client_id")
        secret = str(values.get("secret", ""))
        # A secret is meant for one address: it does not follow to another one.
        moved = record.sealed_secret and record.settings.get("address") != settings.address
        if not secret and moved:
            raise BadInput("The address is another one: give the secret for it.", "secret")
        sealed = self._seal.seal(secret) if secret else record.sealed_secret
        return {
            "title": title,
            "enabled": bool(values.get("enabled")),
            "sealed_secret": sealed,
            "settings": settings.model_dump(mode="json"),
        }

    def _address(self, kind: ProviderKind, settings: ProviderSettings) -> str:
        if kind is ProviderKind.LDAP:
            address = settings.address.strip().rstrip("/")
            if not re.fullmatch(r"ldaps?://[A-Za-z0-9.:\[\]-]{1,253}", address):
                raise BadInput("Give it as ldaps://ldap.example.org; ldap:// is used with StartTLS.", "address")
            return address
        given = settings.address or (FACEBOOK if kind is ProviderKind.FACEBOOK else GOOGLE)
        return check_address(given, "address", private=self._security.current().private_addresses)

    def _check_roles(self, settings: ProviderSettings, author: Author) -> None:
        wanted = [("group_roles", role) for _, role in settings.group_roles]
        if settings.default_role:
            wanted.append(("default_role", settings.default_role))
        with self._database.session() as session:
            for field, name in wanted:
                try:
                    role = role_called(session, name)
                except ApplicationError as error:
                    raise BadInput(error.sentence, field) from error
                author.refuse_beyond(role.rights, f"let people who sign in elsewhere become {role.title}")

    def _record(self, kind: Kind, author: Author, record: ProviderRecord, outcome: Outcome = Outcome.OK) -> None:
        detail = {"kind": record.kind, "address": str(record.settings.get("address", ""))}
        self._journal.append(Action(kind, author.actor, f"provider {record.name}", outcome, detail=detail))


def _check_directory(settings: ProviderSettings) -> None:
    if not settings.people_base:
        raise BadInput("Say below which entry people are found, such as ou=people,dc=example,dc=org.", "people_base")
    for field, template, mark in (
        ("people_filter", settings.people_filter, "{name}"),
        ("groups_filter", settings.groups_filter, "{dn}"),
    ):
        left = template.replace("{name}", "").replace("{dn}", "")
        if mark not in template or "{" in left or "}" in left or not template.startswith("("):
            raise BadInput(f"Give a filter with {mark} in it, such as {ProviderSettings().model_dump()[field]}.", field)
