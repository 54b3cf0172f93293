"""Requests that wait for approval, and notifications: targets, events and their deliveries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_TABLES = (
    "approval_comments",
    "approval_votes",
    "approval_revisions",
    "approval_requests",
    "notification_deliveries",
    "notification_events",
    "notification_targets",
)


def upgrade() -> None:
    """Make the tables."""
    _make_requests()
    _make_notifications()


def _make_requests() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "approval_requests",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("operation", sa.String(200), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("asked_by", sa.String(129), nullable=False),
        sa.Column("via", sa.String(16), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("person", sa.String(64), nullable=False, index=True),
        sa.Column("asked_at", moment, nullable=False),
        sa.Column("state", sa.String(16), nullable=False, index=True),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("remind_hours", sa.Integer, nullable=False),
        sa.Column("told_at", moment),
        sa.Column("end_told", sa.Boolean, nullable=False),
        sa.Column("run_id", sa.String(32)),
        sa.Column("ended_at", moment),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("key", sa.String(64), unique=True),
    )
    op.create_table(
        "approval_revisions",
        _of_request(),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("by", sa.String(129), nullable=False),
        sa.Column("person", sa.String(64), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("asked", sa.JSON, nullable=False),
        sa.Column("inventory", sa.String(64), nullable=False),
        sa.Column("steps", sa.JSON, nullable=False),
        sa.Column("sealed", sa.Text, nullable=False),
        sa.Column("new_secrets", sa.JSON, nullable=False),
        sa.Column("preview", sa.String(32)),
        sa.Column("previewed", sa.Boolean, nullable=False),
        sa.Column("preview_trouble", sa.Text, nullable=False),
    )
    op.create_table(
        "approval_votes",
        _of_request(),
        sa.Column("revision", sa.Integer, primary_key=True),
        sa.Column("person", sa.String(64), primary_key=True),
        sa.Column("by", sa.String(129), nullable=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("approves", sa.Boolean, nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.UniqueConstraint("request_id", "revision", "step"),
    )
    op.create_table(
        "approval_comments",
        sa.Column("id", sa.Integer, primary_key=True),
        _reference("request_id", "approval_requests", nullable=False, index=True),
        sa.Column("by", sa.String(129), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
    )


def _make_notifications() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "notification_targets",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("title", sa.String(80), nullable=False),
        sa.Column("person", sa.String(64), index=True),
        sa.Column("project", sa.String(64), index=True),
        sa.Column("kind", sa.String(80), nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("sealed", sa.Text, nullable=False),
        sa.Column("events", sa.JSON, nullable=False),
        sa.Column("only_mine", sa.Boolean, nullable=False),
        sa.Column("digest_seconds", sa.Integer, nullable=False),
        sa.Column("quiet_from", sa.String(5), nullable=False),
        sa.Column("quiet_until", sa.String(5), nullable=False),
        sa.Column("zone", sa.String(64), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("last_sent_at", moment),
        sa.Column("failing_since", moment),
        sa.Column("last_error", sa.Text, nullable=False),
    )
    op.create_table(
        "notification_events",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("once", sa.String(200), nullable=False, unique=True),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("link", sa.String(500), nullable=False),
        sa.Column("people", sa.JSON, nullable=False),
        sa.Column("private", sa.Boolean, nullable=False),
        sa.Column("about", sa.JSON, nullable=False),
        sa.Column("at", moment, nullable=False, index=True),
        sa.Column("spread", sa.Boolean, nullable=False, index=True),
    )
    op.create_table(
        "notification_deliveries",
        sa.Column("id", sa.Integer, primary_key=True),
        _reference("target_id", "notification_targets", nullable=False, index=True),
        _reference("event_id", "notification_events"),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("link", sa.String(500), nullable=False),
        sa.Column("state", sa.String(16), nullable=False, index=True),
        sa.Column("at", moment, nullable=False),
        sa.Column("due_at", moment, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("message", sa.String(32), nullable=False),
        sa.Column("tried_at", moment),
        sa.Column("error", sa.Text, nullable=False),
        sa.UniqueConstraint("target_id", "event_id"),
    )


def _reference(name: str, table: str, *, nullable: bool = True, index: bool = False) -> sa.Column[int]:
    reference = sa.ForeignKey(f"{table}.id", ondelete="CASCADE")
    return sa.Column(name, sa.Integer, reference, nullable=nullable, index=index)


def downgrade() -> None:
    """Requests and targets are lost with their tables; the runs that requests led to stay."""
    for table in _TABLES:
        op.drop_table(table)


def _of_request() -> sa.Column[int]:
    reference = sa.ForeignKey("approval_requests.id", ondelete="CASCADE")
    return sa.Column("request_id", sa.Integer, reference, primary_key=True)
