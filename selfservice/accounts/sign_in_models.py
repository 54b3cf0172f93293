"""The records of signing in: sessions, second factors, what is begun and not yet ended, and other places to sign in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Double, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from selfservice.accounts.models import Person
from selfservice.store.database import Record, UtcDateTime


def _now() -> datetime:
    return datetime.now(UTC)


class SessionRecord(Record):
    """One browser in which somebody is signed in."""

    __tablename__ = "sessions"

    id: Mapped[int] = mapped_column(primary_key=True)
    #: SHA-256 of what the cookie holds: who reads the database cannot sign in with it.
    key_hash: Mapped[str] = mapped_column(String(64), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    person: Mapped[Person] = relationship(lazy="joined", innerjoin=True)
    #: The session version of the person when it began: another role or password ends it.
    version: Mapped[int]
    #: By which way somebody signed in.
    way: Mapped[str] = mapped_column(String(80))
    address: Mapped[str] = mapped_column(String(64))
    device: Mapped[str] = mapped_column(String(120))
    #: Whether a second factor was shown, here or where somebody signed in.
    second_factor: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=_now)
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime, default=_now)


class StepRecord(Record):
    """Something that is begun and has to be finished soon, and once."""

    __tablename__ = "one_time_steps"

    id: Mapped[int] = mapped_column(primary_key=True)
    purpose: Mapped[str] = mapped_column(String(32))
    #: SHA-256 of what whoever began it holds.
    key_hash: Mapped[str] = mapped_column(String(64), unique=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    #: What is needed to finish it, sealed.
    sealed: Mapped[str] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(default=0)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class AttemptRecord(Record):
    """Something that may happen so often and no more: a wrong password or code, a mail."""

    __tablename__ = "attempts"

    id: Mapped[int] = mapped_column(primary_key=True)
    #: Whose it is and by which limit it is counted; names and addresses of people as hashes.
    key: Mapped[str] = mapped_column(String(200), index=True)
    #: Seconds since 1970, as `limits` counts.
    at: Mapped[float] = mapped_column(Double)
    expires_at: Mapped[float] = mapped_column(Double, index=True)


class Authenticator(Record):
    """The authenticator app of a person: a shared secret for time-based codes (RFC 6238)."""

    __tablename__ = "authenticators"

    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
    sealed_secret: Mapped[str] = mapped_column(Text)
    #: The time step of the last code that was taken: no code is good twice.
    last_step: Mapped[int] = mapped_column(BigInteger, default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=_now)


class RecoveryCode(Record):
    """One code for somebody who has lost the second factor; it goes when it is used."""

    __tablename__ = "recovery_codes"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    #: SHA-256: a code has 80 random bits, so a slow hash would add nothing.
    hash: Mapped[str] = mapped_column(String(64))


class Passkey(Record):
    """A public key that a device of a person holds the private half of (WebAuthn)."""

    __tablename__ = "passkeys"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    person: Mapped[Person] = relationship(lazy="joined", innerjoin=True)
    title: Mapped[str] = mapped_column(String(64))
    #: In base64url, as browsers send it; an id has at most 1023 bytes.
    credential_id: Mapped[str] = mapped_column(String(1400), unique=True)
    public_key: Mapped[str] = mapped_column(Text)
    sign_count: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=_now)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)


class ProviderRecord(Record):
    """Another place that says who somebody is: OpenID Connect, Facebook or a directory."""

    __tablename__ = "sign_in_providers"

    id: Mapped[int] = mapped_column(primary_key=True)
    #: Stands in addresses; it stays as it is.
    name: Mapped[str] = mapped_column(String(40), unique=True)
    #: One of `providers.ProviderKind`.
    kind: Mapped[str] = mapped_column(String(16))
    title: Mapped[str] = mapped_column(String(80))
    enabled: Mapped[bool] = mapped_column(default=True)
    sealed_secret: Mapped[str] = mapped_column(Text, default="")
    #: `providers.ProviderSettings` as JSON.
    settings: Mapped[dict[str, Any]] = mapped_column(JSON)
    version: Mapped[int] = mapped_column(default=1)


class OutsideIdentity(Record):
    """Who somebody is at another place."""

    __tablename__ = "outside_identities"
    __table_args__ = (UniqueConstraint("provider_id", "subject"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    provider_id: Mapped[int] = mapped_column(ForeignKey("sign_in_providers.id", ondelete="CASCADE"))
    provider: Mapped[ProviderRecord] = relationship(lazy="joined", innerjoin=True)
    subject: Mapped[str] = mapped_column(String(255))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    person: Mapped[Person] = relationship(lazy="joined", innerjoin=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=_now)


class SecurityRecord(Record):
    """What administrators decide about signing in: one row."""

    __tablename__ = "security_settings"

    id: Mapped[int] = mapped_column(primary_key=True)
    #: `security.SecuritySettings` as JSON.
    values: Mapped[dict[str, Any]] = mapped_column(JSON)
    version: Mapped[int] = mapped_column(default=1)
