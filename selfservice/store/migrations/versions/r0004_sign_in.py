"""Sessions are kept here and not in cookies; second factors, other places to sign in, e-mail addresses."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Everybody signs in once more."""
    with op.batch_alter_table("people") as people:
        people.add_column(sa.Column("email", sa.String(254)))
        people.create_unique_constraint("people_email_key", ["email"])
    _begun()
    _second_factors()
    _elsewhere()


def downgrade() -> None:
    """Second factors and what came from other places are gone; those people get passwords from an administrator."""
    for table in (
        "security_settings", "outside_identities", "sign_in_providers", "passkeys", "recovery_codes",
        "authenticators", "one_time_steps", "sessions",
    ):  # fmt: skip
        op.drop_table(table)
    with op.batch_alter_table("people") as people:
        people.drop_constraint("people_email_key", type_="unique")
        people.drop_column("email")


def _person(*, primary_key: bool = False, nullable: bool = False) -> sa.Column[int]:
    key = sa.ForeignKey("people.id", ondelete="CASCADE")
    return sa.Column("person_id", sa.Integer, key, primary_key=primary_key, nullable=nullable)


def _begun() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key_hash", sa.String(64), nullable=False, unique=True),
        _person(),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("way", sa.String(80), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("device", sa.String(120), nullable=False),
        sa.Column("second_factor", sa.Boolean, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("last_seen_at", _MOMENT, nullable=False),
    )
    op.create_index("ix_sessions_person_id", "sessions", ["person_id"])
    op.create_table(
        "one_time_steps",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("purpose", sa.String(32), nullable=False),
        sa.Column("key_hash", sa.String(64), nullable=False, unique=True),
        _person(nullable=True),
        sa.Column("sealed", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
    )
    op.create_index("ix_one_time_steps_person_id", "one_time_steps", ["person_id"])
    op.create_index("ix_one_time_steps_expires_at", "one_time_steps", ["expires_at"])


def _second_factors() -> None:
    op.create_table(
        "authenticators",
        _person(primary_key=True),
        sa.Column("sealed_secret", sa.Text, nullable=False),
        sa.Column("last_step", sa.BigInteger, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("id", sa.Integer, primary_key=True),
        _person(),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.create_table(
        "passkeys",
        sa.Column("id", sa.Integer, primary_key=True),
        _person(),
        sa.Column("title", sa.String(64), nullable=False),
        sa.Column("credential_id", sa.String(1400), nullable=False, unique=True),
        sa.Column("public_key", sa.Text, nullable=False),
        sa.Column("sign_count", sa.BigInteger, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("last_used_at", _MOMENT),
    )
    for table in ("recovery_codes", "passkeys"):
        op.create_index(f"ix_{table}_person_id", table, ["person_id"])


def _elsewhere() -> None:
    op.create_table(
        "sign_in_providers",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(40), nullable=False, unique=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("title", sa.String(80), nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("sealed_secret", sa.Text, nullable=False),
        sa.Column("settings", sa.JSON, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_table(
        "outside_identities",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("provider_id", sa.Integer, sa.ForeignKey("sign_in_providers.id", ondelete="CASCADE"), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        _person(),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.UniqueConstraint("provider_id", "subject"),
    )
    op.create_index("ix_outside_identities_person_id", "outside_identities", ["person_id"])
    op.create_table(
        "security_settings",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("values", sa.JSON, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
