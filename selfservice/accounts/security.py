"""What administrators decide about signing in: one record, changed by one at a time."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from selfservice.accounts.builtin_roles import VIEWER
from selfservice.accounts.people import role_called
from selfservice.accounts.roles import Author
from selfservice.accounts.sign_in_models import SecurityRecord
from selfservice.audit.actions import Action, Kind
from selfservice.audit.journal import Journal
from selfservice.errors import BadInput, ChangedMeanwhile
from selfservice.store.database import Database

#: Cookies are kept by browsers this long, whatever an administrator decides.
LONGEST_SESSION_DAYS = 365
_ROW = 1


class SecuritySettings(BaseModel):
    """Everything that is decided on the page of security settings."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    #: Hours after which an unused session ends.
    idle_hours: int = Field(default=12, ge=1, le=24 * LONGEST_SESSION_DAYS)
    #: Days after which a session ends, however much it is used.
    session_days: int = Field(default=30, ge=1, le=LONGEST_SESSION_DAYS)
    #: Names of roles that nobody can use without a second factor.
    second_factor_roles: tuple[str, ...] = ()
    #: Whether strangers may make accounts of their own.
    sign_up: bool = False
    #: The part after the @ of addresses that may; empty for any.
    sign_up_domains: tuple[str, ...] = ()
    #: What they become.
    sign_up_role: str = VIEWER
    #: Whether addresses of private networks may be called for signing in elsewhere.
    private_addresses: bool = False

    @field_validator("sign_up_domains")
    @classmethod
    def _domains(cls, domains: tuple[str, ...]) -> tuple[str, ...]:
        cleaned = tuple(sorted({each.strip().lower().lstrip("@") for each in domains if each.strip()}))
        for each in cleaned:
            if len(each) > 253 or "." not in each or not all(map(str.isalnum, each.replace("-", "").split("."))):
                raise ValueError(f"{each[:80]} is no domain; give them as example.org, one a line.")
        return cleaned


class Security:
    """The settings of signing in of this node."""

    def __init__(self, database: Database, journal: Journal) -> None:
        """Keep them in `database` and record changes in `journal`."""
        self._database = database
        self._journal = journal

    def current(self) -> SecuritySettings:
        """What is decided now."""
        with self._database.session() as session:
            return settings_in(session)

    def current_with_version(self) -> tuple[SecuritySettings, int]:
        """What is decided now, and the version to give back with a change."""
        with self._database.session() as session:
            row = session.get(SecurityRecord, _ROW)
            return settings_in(session), row.version if row else 0

    def change(self, values: dict[str, Any], version: int, author: Author) -> SecuritySettings:
        """Decide anew; `values` are fields of `SecuritySettings`.

        Raises `BadInput` naming the field, `RoleNotFound`, `Forbidden` where people who sign
        up would get rights that the author has not, `ChangedMeanwhile` where `version` is not the present one.
        """
        with self._database.session() as session:
            before = settings_in(session)
            wanted = _checked({**before.model_dump(), **values})
            role = role_called(session, wanted.sign_up_role)
            author.refuse_beyond(role.rights, f"let strangers become {role.title}")
            for name in wanted.second_factor_roles:
                role_called(session, name)
            if not _replaced(session, wanted, version):
                raise ChangedMeanwhile.since("the security settings", before.model_dump(), wanted.model_dump())
            self._journal.append(
                Action(Kind.SECURITY_CHANGE, author.actor, "security settings", detail=_difference(before, wanted))
            )
        return wanted


def settings_in(session: Session) -> SecuritySettings:
    """What is decided, in this transaction."""
    row = session.get(SecurityRecord, _ROW)
    return SecuritySettings.model_validate(row.values) if row else SecuritySettings()


def _checked(values: dict[str, Any]) -> SecuritySettings:
    try:
        return SecuritySettings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0])
        words = str(first["msg"]).removeprefix("Value error, ")
        raise BadInput(words if words.endswith(".") else f"{words}.", field) from error


def _replaced(session: Session, wanted: SecuritySettings, version: int) -> bool:
    values = wanted.model_dump(mode="json")
    if version:
        statement = update(SecurityRecord).where(SecurityRecord.id == _ROW, SecurityRecord.version == version)
        changed = session.execute(statement.values(values=values, version=version + 1))
        return changed.rowcount == 1  # type: ignore[attr-defined,no-any-return]
    session.add(SecurityRecord(id=_ROW, values=values, version=1))
    try:
        session.flush()
    except IntegrityError:
        return False
    return True


def _difference(before: SecuritySettings, after: SecuritySettings) -> dict[str, str]:
    old, new = before.model_dump(), after.model_dump()
    return {name: f"{_word(old[name])} → {_word(new[name])}" for name in new if old[name] != new[name]}


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) or "none" if isinstance(value, tuple) else str(value)
