"""Every table as it was before there were revisions; tables that are there already are left as they are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables that are not there yet."""
    _people()
    _alerts()
    _schedules()
    _nodes()
    _files()


def downgrade() -> None:
    """Take every table away."""
    for table in (
        "webhook_deliveries", "sources", "edit_files", "edits", "repositories", "nodes", "blackouts", "firings",
        "schedules", "alert_dismissals", "alert_recipients", "alerts", "tokens", "people",
    ):  # fmt: skip
        op.drop_table(table)


def _people() -> None:
    op.create_table(
        "people",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(64), nullable=False, unique=True),
        sa.Column("display_name", sa.String(120), nullable=False),
        sa.Column("password_hash", sa.String(255), nullable=False),
        sa.Column("is_administrator", sa.Boolean, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("session_version", sa.Integer, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "tokens",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(64), nullable=False, unique=True),
        sa.Column("prefix", sa.String(16), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False, unique=True),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("last_used_at", _MOMENT),
        sa.Column("revoked", sa.Boolean, nullable=False),
        if_not_exists=True,
    )


def _alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("message", sa.String(500), nullable=False),
        sa.Column("severity", sa.String(16), nullable=False),
        sa.Column("sender", sa.String(64), nullable=False),
        sa.Column("via", sa.String(16), nullable=False),
        sa.Column("link", sa.String(500)),
        sa.Column("for_everyone", sa.Boolean, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.Column("withdrawn_at", _MOMENT),
        sa.Column("once", sa.String(200), unique=True),
        if_not_exists=True,
    )
    op.create_index("ix_alerts_expires_at", "alerts", ["expires_at"], if_not_exists=True)
    for table in ("alert_recipients", "alert_dismissals"):
        op.create_table(
            table,
            sa.Column("alert_id", sa.Integer, sa.ForeignKey("alerts.id", ondelete="CASCADE"), primary_key=True),
            sa.Column("person", sa.String(64), primary_key=True),
            if_not_exists=True,
        )


def _schedules() -> None:
    op.create_table(
        "schedules",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("title", sa.String(80), nullable=False),
        sa.Column("operation", sa.String(120), nullable=False),
        sa.Column("command", sa.Text, nullable=False),
        sa.Column("shell", sa.Boolean, nullable=False),
        sa.Column("become", sa.Boolean, nullable=False),
        sa.Column("hosts", sa.Text, nullable=False),
        sa.Column("variables", sa.JSON, nullable=False),
        sa.Column("timing", sa.JSON, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("missed", sa.String(8), nullable=False),
        sa.Column("overlap", sa.Boolean, nullable=False),
        sa.Column("jitter_seconds", sa.Integer, nullable=False),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("owner_via", sa.String(16), nullable=False),
        sa.Column("changed_at", _MOMENT, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("next_due_at", _MOMENT),
        sa.Column("next_fire_at", _MOMENT),
        if_not_exists=True,
    )
    op.create_index("ix_schedules_next_fire_at", "schedules", ["next_fire_at"], if_not_exists=True)
    op.create_table(
        "firings",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("schedule_id", sa.Integer, sa.ForeignKey("schedules.id", ondelete="CASCADE"), nullable=False),
        sa.Column("due_at", _MOMENT, nullable=False),
        sa.Column("decided_at", _MOMENT, nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("late", sa.Boolean, nullable=False),
        sa.Column("run_id", sa.String(32)),
        sa.Column("reason", sa.Text, nullable=False),
        sa.UniqueConstraint("schedule_id", "due_at"),
        if_not_exists=True,
    )
    op.create_index("ix_firings_schedule_id", "firings", ["schedule_id"], if_not_exists=True)
    op.create_index("ix_firings_outcome", "firings", ["outcome"], if_not_exists=True)
    op.create_table(
        "blackouts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("starts_at", _MOMENT),
        sa.Column("ends_at", _MOMENT),
        sa.Column("weekday", sa.Integer),
        sa.Column("at", sa.String(5), nullable=False),
        sa.Column("minutes", sa.Integer, nullable=False),
        sa.Column("zone", sa.String(64), nullable=False),
        sa.Column("created_by", sa.String(64), nullable=False),
        if_not_exists=True,
    )


def _nodes() -> None:
    op.create_table(
        "nodes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(63), nullable=False, unique=True),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("own", sa.Boolean, nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("previous_hash", sa.String(64)),
        sa.Column("previous_until", _MOMENT),
        sa.Column("revoked", sa.Boolean, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("known_generation", sa.Integer, nullable=False),
        sa.Column("may_ask", sa.JSON, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("created_by", sa.String(64), nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_nodes_token_hash", "nodes", ["token_hash"], if_not_exists=True)


def _files() -> None:
    def repository() -> sa.Column[int]:
        return sa.Column(
            "repository_id", sa.Integer, sa.ForeignKey("repositories.id", ondelete="CASCADE"), nullable=False
        )

    op.create_table(
        "repositories",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(64), nullable=False, unique=True),
        sa.Column("title", sa.String(80), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("address", sa.String(300), nullable=False),
        sa.Column("location", sa.String(300), nullable=False),
        sa.Column("user", sa.String(200), nullable=False),
        sa.Column("sealed_token", sa.Text, nullable=False),
        sa.Column("changed_at", _MOMENT, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "edits",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("short_id", sa.String(16), nullable=False, unique=True),
        repository(),
        sa.Column("owner", sa.String(80), nullable=False),
        sa.Column("base_branch", sa.String(200), nullable=False),
        sa.Column("base_commit", sa.String(40), nullable=False),
        sa.Column("branch", sa.String(200), nullable=False),
        sa.Column("branch_tip", sa.String(40), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("pull_request", sa.Integer),
        sa.Column("pull_request_url", sa.String(500), nullable=False),
        sa.Column("merge_commit", sa.String(40), nullable=False),
        sa.Column("commits", sa.Integer, nullable=False),
        sa.Column("started_at", _MOMENT, nullable=False),
        sa.Column("changed_at", _MOMENT, nullable=False),
        if_not_exists=True,
    )
    for column in ("repository_id", "owner", "state"):
        op.create_index(f"ix_edits_{column}", "edits", [column], if_not_exists=True)
    op.create_table(
        "edit_files",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("edit_id", sa.Integer, sa.ForeignKey("edits.id", ondelete="CASCADE"), nullable=False),
        sa.Column("path", sa.String(255), nullable=False),
        sa.Column("content", sa.LargeBinary),
        sa.Column("version", sa.Integer, nullable=False),
        sa.UniqueConstraint("edit_id", "path"),
        if_not_exists=True,
    )
    op.create_index("ix_edit_files_edit_id", "edit_files", ["edit_id"], if_not_exists=True)
    op.create_table(
        "sources",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column(
            "repository_id",
            sa.Integer,
            sa.ForeignKey("repositories.id", ondelete="CASCADE"),
            nullable=False,
            unique=True,
        ),
        sa.Column("branch", sa.String(200), nullable=False),
        sa.Column("sealed_secret", sa.Text, nullable=False),
        sa.Column("commit", sa.String(40), nullable=False),
        sa.Column("tried", sa.String(40), nullable=False),
        sa.Column("trouble", sa.Text, nullable=False),
        sa.Column("synced_at", _MOMENT),
        if_not_exists=True,
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.Integer, primary_key=True),
        repository(),
        sa.Column("delivery", sa.String(64), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.UniqueConstraint("repository_id", "delivery"),
        if_not_exists=True,
    )
