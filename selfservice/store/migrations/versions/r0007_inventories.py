"""A source may give hosts, too; the owner of an edit may be a token called after its person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Every source there is gives playbooks, as before."""
    op.add_column("sources", sa.Column("playbooks", sa.Boolean, nullable=False, server_default=sa.true()))
    op.add_column("sources", sa.Column("inventory", sa.String(255), nullable=False, server_default=""))
    with op.batch_alter_table("edits") as edits:
        edits.alter_column("owner", existing_type=sa.String(80), existing_nullable=False, type_=sa.String(160))


def downgrade() -> None:
    """A source that gives hosts alone is one no more."""
    op.execute("DELETE FROM sources WHERE NOT playbooks")
    with op.batch_alter_table("sources") as sources:
        sources.drop_column("inventory")
        sources.drop_column("playbooks")
    with op.batch_alter_table("edits") as edits:
        edits.alter_column("owner", existing_type=sa.String(160), existing_nullable=False, type_=sa.String(80))
