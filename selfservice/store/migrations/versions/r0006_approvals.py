"""Requests that wait for approval: each version of them, decisions and comments."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0003"

_TABLES = ("approval_comments", "approval_votes", "approval_revisions", "approval_requests")


def upgrade() -> None:
    """Make the tables."""
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
        sa.Column(
            "request_id",
            sa.Integer,
            sa.ForeignKey("approval_requests.id", ondelete="CASCADE"),
            nullable=False,
            index=True,
        ),
        sa.Column("by", sa.String(129), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Requests are lost with their tables; the runs they led to stay."""
    for table in _TABLES:
        op.drop_table(table)


def _of_request() -> sa.Column[int]:
    reference = sa.ForeignKey("approval_requests.id", ondelete="CASCADE")
    return sa.Column("request_id", sa.Integer, reference, primary_key=True)
