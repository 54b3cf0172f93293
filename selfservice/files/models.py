"""The records of files: repositories, unfinished edits, and the files changed in them."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from selfservice.store.database import Record, UtcDateTime


def _now() -> datetime:
    return datetime.now(UTC)


class RepositoryKind(StrEnum):
    """Where a repository is kept."""

    LOCAL = "local"
    CLOUD = "cloud"
    DATA_CENTER = "data_center"


class EditState(StrEnum):
    """Where an edit stands."""

    OPEN = "open"
    REQUESTED = "requested"
    MERGED = "merged"
    DISCARDED = "discarded"


class RepositoryRecord(Record):
    """A repository that an administrator registered."""

    __tablename__ = "repositories"

    id: Mapped[int] = mapped_column(primary_key=True)
    #: What stands in addresses; never changes.
    name: Mapped[str] = mapped_column(String(64), unique=True)
    title: Mapped[str] = mapped_column(String(80))
    kind: Mapped[str] = mapped_column(String(16))
    #: The server of a Data Center; empty for the Cloud.
    address: Mapped[str] = mapped_column(String(300), default="")
    #: workspace/repository, PROJECT/repository, or the folder in instance/repositories/.
    location: Mapped[str] = mapped_column(String(300))
    #: The e-mail address of a Cloud API token; empty for an access token.
    user: Mapped[str] = mapped_column(String(200), default="")
    sealed_token: Mapped[str] = mapped_column(Text, default="")
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=_now)
    #: Raised by every change, so that two people do not overwrite each other unknowingly.
    version: Mapped[int] = mapped_column(default=1)


class Edit(Record):
    """Somebody's work on files: a temporary branch, and what is not committed yet."""

    __tablename__ = "edits"

    id: Mapped[int] = mapped_column(primary_key=True)
    #: Stands in the branch's name and in the trailer of its commits.
    short_id: Mapped[str] = mapped_column(String(16), unique=True)
    repository_id: Mapped[int] = mapped_column(ForeignKey("repositories.id", ondelete="CASCADE"), index=True)
    owner: Mapped[str] = mapped_column(String(160), index=True)
    #: The branch it began from and goes back to, and the commit that its owner has seen of it; empty
    #: where there was none.
    base_branch: Mapped[str] = mapped_column(String(200))
    base_commit: Mapped[str] = mapped_column(String(40))
    branch: Mapped[str] = mapped_column(String(200))
    branch_tip: Mapped[str] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(16), default=EditState.OPEN, index=True)
    #: Where the edit is open, one that was closed with its branch: the next commit opens it again.
    pull_request: Mapped[int | None] = mapped_column(default=None)
    pull_request_url: Mapped[str] = mapped_column(String(500), default="")
    merge_commit: Mapped[str] = mapped_column(String(40), default="")
    #: How many commits were answered; the next one's trailer carries the next number.
    commits: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime, default=_now)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=_now)

    @property
    def is_first(self) -> bool:
        """Whether the repository had no commit when it began: there is nothing to branch from or to go back to."""
        return not self.base_commit

    @property
    def is_unfinished(self) -> bool:
        """Whether it can still be changed."""
        return self.state in (EditState.OPEN, EditState.REQUESTED)


class EditFile(Record):
    """One file of an edit as its owner wants it; None where it shall be deleted."""

    __tablename__ = "edit_files"
    __table_args__ = (UniqueConstraint("edit_id", "path"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    edit_id: Mapped[int] = mapped_column(ForeignKey("edits.id", ondelete="CASCADE"), index=True)
    path: Mapped[str] = mapped_column(String(255))
    content: Mapped[bytes | None] = mapped_column(LargeBinary, default=None)
    #: Raised by every save, so that two windows do not overwrite each other unknowingly.
    version: Mapped[int] = mapped_column(default=1)


class SourceRecord(Record):
    """A repository whose playbooks are operations of this node, or whose hosts are in its inventory."""

    __tablename__ = "sources"

    id: Mapped[int] = mapped_column(primary_key=True)
    repository_id: Mapped[int] = mapped_column(ForeignKey("repositories.id", ondelete="CASCADE"), unique=True)
    branch: Mapped[str] = mapped_column(String(200))
    playbooks: Mapped[bool] = mapped_column(default=True)
    #: The file or folder with its hosts; empty where it gives none.
    inventory: Mapped[str] = mapped_column(String(255), default="")
    #: What signs the pushes that the server tells of.
    sealed_secret: Mapped[str] = mapped_column(Text, default="")
    #: The commit in use; empty before the first good one.
    commit: Mapped[str] = mapped_column(String(40), default="")
    #: The commit that was looked at last, and what is wrong with it.
    tried: Mapped[str] = mapped_column(String(40), default="")
    trouble: Mapped[str] = mapped_column(Text, default="")
    synced_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)


class WebhookDelivery(Record):
    """A push that a server told of, so that nobody can tell it again."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (UniqueConstraint("repository_id", "delivery"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    repository_id: Mapped[int] = mapped_column(ForeignKey("repositories.id", ondelete="CASCADE"))
    delivery: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=_now)
