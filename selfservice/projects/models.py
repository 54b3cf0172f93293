"""The records of projects: teams, what belongs to a project, who has access, and its secrets."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from selfservice.store.database import ActorName, Record, UtcDateTime


def _now() -> datetime:
    return datetime.now(UTC)


class CommandRule(StrEnum):
    """What becomes of a plain command on hosts of a project."""

    AS_OPERATIONS = "as-operations"
    FREE = "free"
    APPROVAL = "approval"
    REFUSED = "refused"


class Team(Record):
    """People who get access together."""

    __tablename__ = "teams"

    id: Mapped[int] = mapped_column(primary_key=True)
    #: Lower case with dashes; what stands in addresses.
    name: Mapped[str] = mapped_column(String(40), unique=True)
    description: Mapped[str] = mapped_column(String(200), default="")
    #: Raised by every edit, so that two people do not overwrite each other unknowingly.
    version: Mapped[int] = mapped_column(default=1)


class TeamMember(Record):
    """Somebody in a team."""

    __tablename__ = "team_members"

    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)


class Project(Record):
    """Hosts, operations, repositories, schedules and secrets that belong together."""

    __tablename__ = "projects"

    id: Mapped[int] = mapped_column(primary_key=True)
    #: Lower case with dashes; stands in runs and actions, and so never changes.
    name: Mapped[str] = mapped_column(String(40), unique=True)
    title: Mapped[str] = mapped_column(String(80))
    description: Mapped[str] = mapped_column(Text, default="")
    #: Host patterns, as Ansible reads them.
    hosts: Mapped[list[str]] = mapped_column(JSON, default=list)
    #: Names of operations; `infra.*` for all of a source.
    operations: Mapped[list[str]] = mapped_column(JSON, default=list)
    #: Names of repositories.
    repositories: Mapped[list[str]] = mapped_column(JSON, default=list)
    #: How many people, one after another, have to approve an operation of this project; 0 for none.
    approval_steps: Mapped[int] = mapped_column(default=0)
    #: What becomes of plain commands on its hosts: a `CommandRule`.
    commands: Mapped[str] = mapped_column(String(16), default=CommandRule.AS_OPERATIONS.value)
    #: What replaces the inventory's own settings for runs of this project; empty or None leaves them.
    ssh_user: Mapped[str] = mapped_column(String(64), default="")
    ssh_port: Mapped[int | None] = mapped_column(default=None)
    ssh_jump: Mapped[str] = mapped_column(String(300), default="")
    #: In the format of ansible-vault.
    ssh_key: Mapped[str] = mapped_column(Text, default="")
    ssh_passphrase: Mapped[str] = mapped_column(Text, default="")
    #: The public half, which may be shown.
    ssh_public_key: Mapped[str] = mapped_column(Text, default="")
    #: Host keys, as known_hosts has them.
    ssh_known_hosts: Mapped[str] = mapped_column(Text, default="")
    ssh_changed_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    #: The run that tried these settings last.
    ssh_test_run: Mapped[str] = mapped_column(String(32), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=_now)
    #: Raised by every edit, so that two people do not overwrite each other unknowingly.
    version: Mapped[int] = mapped_column(default=1)


class ProjectAccess(Record):
    """How far the access of a person or of a team goes."""

    __tablename__ = "project_access"
    __table_args__ = (
        UniqueConstraint("project_id", "person_id"),
        UniqueConstraint("project_id", "team_id"),
        CheckConstraint("(person_id IS NULL) <> (team_id IS NULL)", name="person_or_team"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), index=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"), index=True)
    #: `scope.Level`: what somebody gave, and what the groups of a directory give; the higher one counts.
    level: Mapped[int] = mapped_column(default=0)
    group_level: Mapped[int] = mapped_column(default=0)


class ProjectGroup(Record):
    """Access that a group of a directory (OpenID Connect, LDAP) gives whoever is in it."""

    __tablename__ = "project_groups"
    __table_args__ = (UniqueConstraint("project_id", "group_name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), index=True)
    group_name: Mapped[str] = mapped_column(String(200))
    level: Mapped[int]


class ProjectSecret(Record):
    """A value that runs of a project get, and that nobody is shown again."""

    __tablename__ = "project_secrets"
    __table_args__ = (UniqueConstraint("project_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), index=True)
    #: The Ansible variable it becomes.
    name: Mapped[str] = mapped_column(String(80))
    description: Mapped[str] = mapped_column(String(200), default="")
    #: In the format of ansible-vault.
    sealed: Mapped[str] = mapped_column(Text)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=_now)
    changed_by: Mapped[str] = mapped_column(ActorName)
