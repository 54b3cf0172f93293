"""The records of requests: what was asked for, each version of it, and what people said to it.

Rows and no files: several people write to one request, and it is listed by person and state.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from selfservice.audit.actions import Actor
from selfservice.operations.approval_policy import Step
from selfservice.runs.run import RunRequest
from selfservice.store.database import ActorName, Record, UtcDateTime


class State(StrEnum):
    """Where a request stands; the first two go on, the others are ends."""

    WAITING = "waiting"
    APPROVED = "approved"
    LAUNCHED = "launched"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    #: Approved, and then it could not be started.
    REFUSED = "refused"

    @property
    def open(self) -> bool:
        """Whether something may still become of it."""
        return self in (State.WAITING, State.APPROVED)


class Revision(Record):
    """One version of what is asked for; approvals are of one version alone."""

    __tablename__ = "approval_revisions"

    request_id: Mapped[int] = mapped_column(ForeignKey("approval_requests.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    #: Who made it, and the person behind that name, who does not approve it.
    by: Mapped[str] = mapped_column(ActorName)
    person: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: Why it is asked again, in a sentence; empty where a person asked or changed it.
    why: Mapped[str] = mapped_column(Text, default="")
    #: The fields of `runs.run.RunRequest`, with the hash of the playbook's files.
    asked: Mapped[dict[str, Any]] = mapped_column(JSON)
    #: `Inventory.mark` of the hosts.
    inventory: Mapped[str] = mapped_column(String(64))
    #: The fields of `operations.approval_policy.Step`, as they were then.
    steps: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    #: Secret values, sealed; empty once the request has ended.
    sealed: Mapped[str] = mapped_column(Text, default="")
    #: Names of the secret values that this revision changed.
    new_secrets: Mapped[list[str]] = mapped_column(JSON, default=list)
    #: The id of its preview, chosen before it was launched; none where the operation has no preview.
    preview: Mapped[str | None] = mapped_column(String(32), default=None)
    previewed: Mapped[bool] = mapped_column(default=False)
    preview_trouble: Mapped[str] = mapped_column(Text, default="")

    @property
    def run_request(self) -> RunRequest:
        """What would run."""
        return RunRequest.from_json(self.asked)

    @property
    def approvals_needed(self) -> tuple[Step, ...]:
        """Its steps."""
        return tuple(Step.from_json(each) for each in self.steps)


class Vote(Record):
    """What one person decided about one revision."""

    __tablename__ = "approval_votes"
    __table_args__ = (UniqueConstraint("request_id", "revision", "step"),)

    request_id: Mapped[int] = mapped_column(ForeignKey("approval_requests.id", ondelete="CASCADE"), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    person: Mapped[str] = mapped_column(String(64), primary_key=True)
    by: Mapped[str] = mapped_column(ActorName)
    step: Mapped[int] = mapped_column()
    approves: Mapped[bool] = mapped_column()
    comment: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class Comment(Record):
    """What somebody said about a request."""

    __tablename__ = "approval_comments"

    id: Mapped[int] = mapped_column(primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("approval_requests.id", ondelete="CASCADE"), index=True)
    by: Mapped[str] = mapped_column(ActorName)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    text: Mapped[str] = mapped_column(Text)


class Request(Record):
    """A launch that waits for approval."""

    __tablename__ = "approval_requests"

    id: Mapped[int] = mapped_column(primary_key=True)
    operation: Mapped[str] = mapped_column(String(200))
    title: Mapped[str] = mapped_column(String(200))
    #: Who asked, by which way in and from where; and the person behind that name.
    asked_by: Mapped[str] = mapped_column(ActorName)
    via: Mapped[str] = mapped_column(String(16))
    address: Mapped[str] = mapped_column(String(64))
    person: Mapped[str] = mapped_column(String(64), index=True)
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[str] = mapped_column(String(16), index=True)
    #: The number of its present revision.
    revision: Mapped[int] = mapped_column(default=1)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    remind_hours: Mapped[int] = mapped_column()
    #: When approvers were last told that the present step waits for them; none where they were not.
    told_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    #: Whether whoever asked was told of its end.
    end_told: Mapped[bool] = mapped_column(default=False)
    #: The id that its run has or will have, chosen when it was approved.
    run_id: Mapped[str | None] = mapped_column(String(32), default=None)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    #: Why it ended so, or what an approved one waits for.
    why: Mapped[str] = mapped_column(Text, default="")
    #: Raised by every change, also of comments.
    version: Mapped[int] = mapped_column(default=1)
    #: Two requests with the same key are one.
    key: Mapped[str | None] = mapped_column(String(64), unique=True, default=None)

    revisions: Mapped[list[Revision]] = relationship(order_by=Revision.number, lazy="selectin", cascade="all")
    votes: Mapped[list[Vote]] = relationship(order_by=Vote.at, lazy="selectin", cascade="all")
    comments: Mapped[list[Comment]] = relationship(order_by=Comment.id, lazy="selectin", cascade="all")

    @property
    def actor(self) -> Actor:
        """Whom the audit names for its runs."""
        return Actor(self.asked_by, self.via, self.address)

    @property
    def present(self) -> Revision:
        """What is asked for now."""
        return self.revisions[-1]

    @property
    def present_votes(self) -> list[Vote]:
        """What people decided about the present revision."""
        return [vote for vote in self.votes if vote.revision == self.revision]

    @property
    def step_number(self) -> int | None:
        """The step whose turn it is, from 0; None once all have approved."""
        approved = sum(vote.approves for vote in self.present_votes)
        return approved if approved < len(self.present.steps) else None

    @property
    def step(self) -> Step | None:
        """The same step."""
        number = self.step_number
        return None if number is None else self.present.approvals_needed[number]
