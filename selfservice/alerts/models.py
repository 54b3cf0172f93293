"""The records of alerts: what is said, to whom, and who has dismissed it."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from selfservice.store.database import ActorName, Record, UtcDateTime


class Alert(Record):
    """A message for everyone, or for the people named in its recipients."""

    __tablename__ = "alerts"

    id: Mapped[int] = mapped_column(primary_key=True)
    message: Mapped[str] = mapped_column(String(500))
    severity: Mapped[str] = mapped_column(String(16))
    sender: Mapped[str] = mapped_column(ActorName)
    via: Mapped[str] = mapped_column(String(16))
    link: Mapped[str | None] = mapped_column(String(500), default=None)
    for_everyone: Mapped[bool] = mapped_column(default=True)
    #: What it is about, so that only those who may know of it see it; empty where it is about neither.
    project: Mapped[str] = mapped_column(String(40), default="")
    host: Mapped[str] = mapped_column(String(255), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=lambda: datetime.now(UTC))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    #: Two alerts with the same key are one.
    once: Mapped[str | None] = mapped_column(String(200), unique=True, default=None)


class AlertRecipient(Record):
    """Somebody whom an alert is for."""

    __tablename__ = "alert_recipients"

    alert_id: Mapped[int] = mapped_column(ForeignKey("alerts.id", ondelete="CASCADE"), primary_key=True)
    person: Mapped[str] = mapped_column(ActorName, primary_key=True)


class AlertDismissal(Record):
    """Somebody who has seen an alert and wants it gone."""

    __tablename__ = "alert_dismissals"

    alert_id: Mapped[int] = mapped_column(ForeignKey("alerts.id", ondelete="CASCADE"), primary_key=True)
    person: Mapped[str] = mapped_column(ActorName, primary_key=True)
