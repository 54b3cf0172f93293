"""Projects with teams, access and secrets; tokens, schedules and alerts know of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_MOMENT = sa.DateTime(timezone=True)
_MEMBER = "project-member"
#: What every role could do until now stays so: there were no projects, so everything was outside of them.
_NEW_RIGHTS = ("project:outside", "project:read")

_roles = sa.table(
    "roles",
    *(sa.column(name) for name in ("id", "name", "description", "everything", "builtin", "version")),
    sa.column("permissions", sa.JSON),
)
_people = sa.table("people", sa.column("role_id"), sa.column("session_version"))


def upgrade() -> None:
    """No project is there at first: everybody sees what they saw."""
    _make_tables()
    op.add_column("tokens", sa.Column("projects", sa.JSON))
    for table, column, length in (("schedules", "project", 40), ("alerts", "project", 40), ("alerts", "host", 255)):
        op.add_column(table, sa.Column(column, sa.String(length), nullable=False, server_default=""))
        with op.batch_alter_table(table) as changed:
            changed.alter_column(column, existing_type=sa.String(length), server_default=None)
    for role in op.get_bind().execute(sa.select(_roles).where(sa.not_(_roles.c.everything))).all():
        rights = sorted({*role.permissions, *_NEW_RIGHTS})
        op.execute(_roles.update().where(_roles.c.id == role.id).values(permissions=rights))
    op.execute(_roles.update().where(_roles.c.name == _MEMBER).values(name=f"{_MEMBER}-before"))
    op.bulk_insert(
        _roles,
        [
            {"name": _MEMBER, "description": "", "permissions": [], "everything": False, "builtin": True, "version": 1},
        ],
    )


def downgrade() -> None:
    """Without projects nothing could hold anybody to theirs: those they limit are out of use afterwards."""
    op.execute(sa.text("UPDATE tokens SET revoked = true WHERE projects IS NOT NULL"))
    outside = [
        role.id
        for role in op.get_bind().execute(sa.select(_roles)).all()
        if not role.everything and "project:outside" not in role.permissions
    ]
    ids: sa.BindParameter[list[int]] = sa.bindparam("ids", outside, expanding=True)
    people = sa.text("UPDATE people SET active = false, session_version = session_version + 1 WHERE role_id IN :ids")
    op.get_bind().execute(people.bindparams(ids))
    for role in op.get_bind().execute(sa.select(_roles).where(sa.not_(_roles.c.everything))).all():
        rights = [each for each in role.permissions if not each.startswith("project:")]
        op.execute(_roles.update().where(_roles.c.id == role.id).values(permissions=rights))
    viewer = sa.select(_roles.c.id).where(_roles.c.name == "viewer").scalar_subquery()
    member = sa.select(_roles.c.id).where(_roles.c.name == _MEMBER).scalar_subquery()
    op.execute(_people.update().where(_people.c.role_id == member).values(role_id=viewer))
    op.execute(_roles.delete().where(_roles.c.name == _MEMBER))
    for table, columns in (("tokens", ["projects"]), ("schedules", ["project"]), ("alerts", ["project", "host"])):
        with op.batch_alter_table(table) as changed:
            for column in columns:
                changed.drop_column(column)
    for table in ("project_secrets", "project_groups", "project_access", "projects", "team_members", "teams"):
        op.drop_table(table)


def _make_tables() -> None:
    op.create_table(
        "teams",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(40), nullable=False, unique=True),
        sa.Column("description", sa.String(200), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_table(
        "team_members",
        sa.Column("team_id", sa.Integer, sa.ForeignKey("teams.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("person_id", sa.Integer, sa.ForeignKey("people.id", ondelete="CASCADE"), primary_key=True),
    )
    op.create_table(
        "projects",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(40), nullable=False, unique=True),
        sa.Column("title", sa.String(80), nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("hosts", sa.JSON, nullable=False),
        sa.Column("operations", sa.JSON, nullable=False),
        sa.Column("repositories", sa.JSON, nullable=False),
        sa.Column("approval_steps", sa.Integer, nullable=False),
        sa.Column("ssh_user", sa.String(64), nullable=False),
        sa.Column("ssh_port", sa.Integer),
        sa.Column("ssh_jump", sa.String(300), nullable=False),
        sa.Column("ssh_key", sa.Text, nullable=False),
        sa.Column("ssh_passphrase", sa.Text, nullable=False),
        sa.Column("ssh_public_key", sa.Text, nullable=False),
        sa.Column("ssh_known_hosts", sa.Text, nullable=False),
        sa.Column("ssh_changed_at", _MOMENT),
        sa.Column("ssh_test_run", sa.String(32), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_table(
        "project_access",
        sa.Column("id", sa.Integer, primary_key=True),
        _of("project_id", "projects", nullable=False),
        _of("person_id", "people"),
        _of("team_id", "teams"),
        sa.Column("level", sa.Integer, nullable=False),
        sa.Column("group_level", sa.Integer, nullable=False),
        sa.UniqueConstraint("project_id", "person_id"),
        sa.UniqueConstraint("project_id", "team_id"),
        sa.CheckConstraint("(person_id IS NULL) <> (team_id IS NULL)", name="person_or_team"),
    )
    op.create_table(
        "project_groups",
        sa.Column("id", sa.Integer, primary_key=True),
        _of("project_id", "projects", nullable=False),
        sa.Column("group_name", sa.String(200), nullable=False),
        sa.Column("level", sa.Integer, nullable=False),
        sa.UniqueConstraint("project_id", "group_name"),
    )
    op.create_table(
        "project_secrets",
        sa.Column("id", sa.Integer, primary_key=True),
        _of("project_id", "projects", nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("description", sa.String(200), nullable=False),
        sa.Column("sealed", sa.Text, nullable=False),
        sa.Column("changed_at", _MOMENT, nullable=False),
        sa.Column("changed_by", sa.String(129), nullable=False),
        sa.UniqueConstraint("project_id", "name"),
    )


def _of(column: str, table: str, *, nullable: bool = True) -> sa.Column[int]:
    reference = sa.ForeignKey(f"{table}.id", ondelete="CASCADE")
    return sa.Column(column, sa.Integer, reference, nullable=nullable, index=True)
