"""The records of schedules: what runs when, what came of each time, and when nothing may run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from selfservice.store.database import ActorName, Record, UtcDateTime


class Schedule(Record):
    """One operation or command that runs at times."""

    __tablename__ = "schedules"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(80))
    operation: Mapped[str] = mapped_column(String(120), default="")
    command: Mapped[str] = mapped_column(Text, default="")
    shell: Mapped[bool] = mapped_column(default=False)
    become: Mapped[bool] = mapped_column(default=False)
    hosts: Mapped[str] = mapped_column(Text)
    #: The name of the project it runs in; empty where its hosts and operation say it.
    project: Mapped[str] = mapped_column(String(40), default="")
    variables: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    #: The fields of `times.Timing`.
    timing: Mapped[dict[str, Any]] = mapped_column(JSON)
    enabled: Mapped[bool] = mapped_column(default=True)
    missed: Mapped[str] = mapped_column(String(8), default="once")
    overlap: Mapped[bool] = mapped_column(default=False)
    jitter_seconds: Mapped[int] = mapped_column(default=0)
    #: As whom it runs.
    owner: Mapped[str] = mapped_column(ActorName)
    #: session | token: whether the owner is a person or a token.
    owner_via: Mapped[str] = mapped_column(String(16), default="session")
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=lambda: datetime.now(UTC))
    #: Raised by every edit, so that two people do not overwrite each other unknowingly.
    version: Mapped[int] = mapped_column(default=1)
    #: The next time by the clock, and with its jitter; none while it is disabled.
    next_due_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    next_fire_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None, index=True)


class Firing(Record):
    """What came of one time of a schedule: a run, or why there was none."""

    __tablename__ = "firings"
    __table_args__ = (UniqueConstraint("schedule_id", "due_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    schedule_id: Mapped[int] = mapped_column(ForeignKey("schedules.id", ondelete="CASCADE"), index=True)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    decided_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: claimed | launched | asked | skipped | refused
    outcome: Mapped[str] = mapped_column(String(16), index=True)
    #: It makes up for a time when this node was down.
    late: Mapped[bool] = mapped_column(default=False)
    run_id: Mapped[str | None] = mapped_column(String(32), default=None)
    reason: Mapped[str] = mapped_column(Text, default="")


class Blackout(Record):
    """A time when schedules are held back: once from a start to an end, or each week."""

    __tablename__ = "blackouts"

    id: Mapped[int] = mapped_column(primary_key=True)
    reason: Mapped[str] = mapped_column(String(200))
    starts_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    ends_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    #: Of a weekly one: 0 for Sunday, hours and minutes, how long, where.
    weekday: Mapped[int | None] = mapped_column(default=None)
    at: Mapped[str] = mapped_column(String(5), default="")
    minutes: Mapped[int] = mapped_column(default=0)
    zone: Mapped[str] = mapped_column(String(64), default="UTC")
    created_by: Mapped[str] = mapped_column(ActorName)
