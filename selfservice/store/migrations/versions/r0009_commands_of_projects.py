"""A project says what becomes of plain commands on its hosts; a request may be about one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Every project holds commands back as it does operations."""
    column = sa.Column("commands", sa.String(16), nullable=False, server_default="as-operations")
    op.add_column("projects", column)


def downgrade() -> None:
    """Requests for commands are gone: a version that does not know them could not show one."""
    for table in ("approval_revisions", "approval_votes", "approval_comments"):
        of_commands = "request_id IN (SELECT id FROM approval_requests WHERE operation = '')"
        op.execute(f"DELETE FROM {table} WHERE {of_commands}")  # noqa: S608
    op.execute("DELETE FROM approval_requests WHERE operation = ''")
    with op.batch_alter_table("projects") as projects:
        projects.drop_column("commands")
