"""Tokens belong to people, have a scope and may expire; what they do is theirs as person/token."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

#: Where the name of a person or of a token stands, a token's being its person's and its own.
_ACTORS = (
    ("schedules", "owner"),
    ("blackouts", "created_by"),
    ("nodes", "created_by"),
    ("alerts", "sender"),
    ("alert_recipients", "person"),
    ("alert_dismissals", "person"),
)
#: SQLite does not keep the names of these constraints; they get those of PostgreSQL.
_NAMES = {"uq": "%(table_name)s_%(column_0_name)s_key"}

_people = sa.table("people", sa.column("id"), sa.column("name"), sa.column("active"), sa.column("role_id"))
_roles = sa.table("roles", sa.column("id"), sa.column("everything"))
_tokens = sa.table(
    "tokens",
    *(sa.column(name) for name in ("id", "name", "person_id", "scope", "expires_at", "revoked")),
)
_schedules = sa.table("schedules", sa.column("owner"), sa.column("owner_via"))


def upgrade() -> None:
    """What there is becomes the first administrator's, with the rights it had."""
    _resize(64, 129)
    op.add_column("tokens", sa.Column("person_id", sa.Integer))
    op.add_column("tokens", sa.Column("scope", sa.String(16)))
    op.add_column("tokens", sa.Column("expires_at", sa.DateTime(timezone=True)))
    owner = _first_administrator()
    if owner is None:  # nobody who could have made one
        op.execute(_tokens.delete())
    else:
        op.execute(_tokens.update().values(person_id=owner.id, scope="administer"))
        ours = _schedules.update().where(_schedules.c.owner_via == "token")
        op.execute(ours.values(owner=sa.literal(f"{owner.name}/") + _schedules.c.owner))
    with op.batch_alter_table("tokens", naming_convention=_NAMES) as tokens:
        tokens.alter_column("person_id", existing_type=sa.Integer(), nullable=False)
        tokens.alter_column("scope", existing_type=sa.String(16), nullable=False)
        tokens.drop_constraint("tokens_name_key", type_="unique")
        tokens.create_unique_constraint("tokens_person_id_name_key", ["person_id", "name"])
        tokens.create_foreign_key("tokens_person_id_fkey", "people", ["person_id"], ["id"])


def downgrade() -> None:
    """Tokens that may less than everything are revoked: nothing could hold them to it."""
    _to_names_of_their_own()
    administrators = sa.select(_people.c.id).join(_roles, _roles.c.id == _people.c.role_id)
    administrators = administrators.where(_roles.c.everything, _people.c.active)
    unlimited = sa.and_(
        _tokens.c.scope == "administer", _tokens.c.expires_at.is_(None), _tokens.c.person_id.in_(administrators)
    )
    op.execute(_tokens.update().where(sa.not_(unlimited)).values(revoked=sa.true()))
    with op.batch_alter_table("tokens", naming_convention=_NAMES) as tokens:
        tokens.drop_constraint("tokens_person_id_fkey", type_="foreignkey")
        tokens.drop_constraint("tokens_person_id_name_key", type_="unique")
        tokens.create_unique_constraint("tokens_name_key", ["name"])
        for column in ("person_id", "scope", "expires_at"):
            tokens.drop_column(column)
    _resize(129, 64)


def _resize(old: int, new: int) -> None:
    for table, column in _ACTORS:
        with op.batch_alter_table(table) as changed:
            changed.alter_column(column, existing_type=sa.String(old), existing_nullable=False, type_=sa.String(new))


def _first_administrator() -> sa.Row[Any, Any] | None:
    everybody = sa.select(_people.c.id, _people.c.name).join(_roles, _roles.c.id == _people.c.role_id)
    by_right = everybody.order_by(sa.desc(_roles.c.everything), sa.desc(_people.c.active), _people.c.id)
    return op.get_bind().execute(by_right.limit(1)).first()


def _to_names_of_their_own() -> None:
    """Where two people call a token the same, the later one is called after its person as well."""
    every = sa.select(_tokens.c.id, _tokens.c.name, _people.c.name.label("person"))
    every = every.join(_people, _people.c.id == _tokens.c.person_id).order_by(_tokens.c.id)
    taken: set[str] = set()
    for token in op.get_bind().execute(every).all():
        name = token.name if token.name not in taken else f"{token.person[:31]}/{token.name[:28]}/{token.id}"[-64:]
        taken.add(name)
        op.execute(_tokens.update().where(_tokens.c.id == token.id).values(name=name))
        ours = sa.and_(_schedules.c.owner_via == "token", _schedules.c.owner == f"{token.person}/{token.name}")
        op.execute(_schedules.update().where(ours).values(owner=name))
