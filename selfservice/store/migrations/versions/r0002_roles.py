"""Roles take the place of the mark that made somebody an administrator."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

#: Their descriptions and permissions are put in at every start.
_BUILTIN = ("administrator", "technical-agent", "sales-agent", "viewer")


def upgrade() -> None:
    """Everybody keeps what they may: administrators all, others what technical agents may."""
    roles = op.create_table(
        "roles",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(40), nullable=False, unique=True),
        sa.Column("description", sa.String(200), nullable=False),
        sa.Column("permissions", sa.JSON, nullable=False),
        sa.Column("everything", sa.Boolean, nullable=False),
        sa.Column("builtin", sa.Boolean, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    rest = {"description": "", "permissions": [], "builtin": True, "version": 1}
    op.bulk_insert(roles, [{"name": name, "everything": name == "administrator", **rest} for name in _BUILTIN])
    op.add_column("people", sa.Column("role_id", sa.Integer))
    op.add_column("people", sa.Column("is_manager", sa.Boolean))
    op.add_column("people", sa.Column("version", sa.Integer))
    op.execute("UPDATE people SET is_manager = false, version = 1")
    op.execute("UPDATE people SET role_id = (SELECT id FROM roles WHERE name = 'technical-agent')")
    op.execute("UPDATE people SET role_id = (SELECT id FROM roles WHERE name = 'administrator') WHERE is_administrator")
    with op.batch_alter_table("people") as people:
        for column, kind in (("role_id", sa.Integer()), ("is_manager", sa.Boolean()), ("version", sa.Integer())):
            people.alter_column(column, existing_type=kind, nullable=False)
        people.create_foreign_key("people_role_id_fkey", "roles", ["role_id"], ["id"])
        people.drop_column("is_administrator")


def downgrade() -> None:
    """Administrators stay administrators; all other roles become one."""
    op.add_column("people", sa.Column("is_administrator", sa.Boolean))
    op.execute("UPDATE people SET is_administrator = (role_id IN (SELECT id FROM roles WHERE everything))")
    with op.batch_alter_table("people") as people:
        people.alter_column("is_administrator", existing_type=sa.Boolean(), nullable=False)
        people.drop_constraint("people_role_id_fkey", type_="foreignkey")
        for column in ("role_id", "is_manager", "version"):
            people.drop_column(column)
    op.drop_table("roles")
