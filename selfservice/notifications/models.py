"""The records of notifications: where to, what happened, and what came of telling it.

The outbox is rows: an event, its deliveries and what came of them change together or not at all.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from selfservice.store.database import Record, UtcDateTime


class Target(Record):
    """Where somebody is told: an address of apprise, sealed because it holds secrets."""

    __tablename__ = "notification_targets"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(80))
    #: Whose it is; none where it is a project's.
    person: Mapped[str | None] = mapped_column(String(64), index=True, default=None)
    project: Mapped[str | None] = mapped_column(String(64), index=True, default=None)
    #: What of the address may be shown: E-Mail, Slack …, and the host where it names one.
    kind: Mapped[str] = mapped_column(String(80))
    host: Mapped[str] = mapped_column(String(255), default="")
    sealed: Mapped[str] = mapped_column(Text)
    #: Values of `events.EventKind`.
    events: Mapped[list[str]] = mapped_column(JSON, default=list)
    #: Only runs and schedules of this person.
    only_mine: Mapped[bool] = mapped_column(default=True)
    #: After a message, further events are collected for so long.
    digest_seconds: Mapped[int] = mapped_column(default=60)
    #: Hours and minutes between which nothing is sent, and where; empty for none.
    quiet_from: Mapped[str] = mapped_column(String(5), default="")
    quiet_until: Mapped[str] = mapped_column(String(5), default="")
    zone: Mapped[str] = mapped_column(String(64), default="UTC")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=lambda: datetime.now(UTC))
    last_sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    #: Since when nothing arrives; none while all is well.
    failing_since: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    last_error: Mapped[str] = mapped_column(Text, default="")


class Happening(Record):
    """An event, until it is spread over the targets that ask for it, and a while longer to know it again."""

    __tablename__ = "notification_events"

    id: Mapped[int] = mapped_column(primary_key=True)
    once: Mapped[str] = mapped_column(String(200), unique=True)
    kind: Mapped[str] = mapped_column(String(32))
    text: Mapped[str] = mapped_column(Text)
    link: Mapped[str] = mapped_column(String(500), default="")
    people: Mapped[list[str]] = mapped_column(JSON, default=list)
    private: Mapped[bool] = mapped_column(default=False)
    #: The fields of `scope.Scope`.
    about: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    spread: Mapped[bool] = mapped_column(default=False, index=True)


class Delivery(Record):
    """One event for one target, from due to sent or given up."""

    __tablename__ = "notification_deliveries"
    __table_args__ = (UniqueConstraint("target_id", "event_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    target_id: Mapped[int] = mapped_column(ForeignKey("notification_targets.id", ondelete="CASCADE"), index=True)
    #: None for a test.
    event_id: Mapped[int | None] = mapped_column(ForeignKey("notification_events.id", ondelete="CASCADE"), default=None)
    text: Mapped[str] = mapped_column(Text)
    link: Mapped[str] = mapped_column(String(500), default="")
    #: due | sending | sent | given_up
    state: Mapped[str] = mapped_column(String(16), index=True, default="due")
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: Not before this.
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(default=0)
    #: The message it is or was part of.
    message: Mapped[str] = mapped_column(String(32), default="")
    tried_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    error: Mapped[str] = mapped_column(Text, default="")
