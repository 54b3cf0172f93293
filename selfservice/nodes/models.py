"""The records of nodes: which ones belong to this master, and how they know one another."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import JSON, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from selfservice.store.database import ActorName, Record, UtcDateTime


class Node(Record):
    """A machine that runs this program: a worker, or this master itself."""

    __tablename__ = "nodes"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(63), unique=True)
    #: Where its API is, without a path: https://web-1.example.org:5001
    address: Mapped[str] = mapped_column(Text)
    #: This master; its API is reached from here alone.
    own: Mapped[bool] = mapped_column(default=False)
    #: SHA-256 of the token by which it calls this master, and of the one before while that is still good.
    token_hash: Mapped[str] = mapped_column(String(64), index=True)
    previous_hash: Mapped[str | None] = mapped_column(String(64), default=None)
    previous_until: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    revoked: Mapped[bool] = mapped_column(default=False)
    #: Raised at each rotation: the token by which this master calls it is made from it.
    generation: Mapped[int] = mapped_column(default=1)
    #: The generation that the node has said it accepts.
    known_generation: Mapped[int] = mapped_column(default=0)
    #: Task types that it may ask this master to run; none unless somebody says so.
    may_ask: Mapped[list[str]] = mapped_column(JSON, default=list)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=lambda: datetime.now(UTC))
    created_by: Mapped[str] = mapped_column(ActorName)
