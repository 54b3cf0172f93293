"""What somebody sees: their access to projects, and which things belong to which."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from selfservice.accounts.models import Identity, Token
from selfservice.accounts.permissions import Permission, decide
from selfservice.nodes.inventory import Inventory, InventoryError
from selfservice.projects.models import CommandRule, Project, ProjectAccess, TeamMember
from selfservice.scope import EVERYTHING, Level, Scope, Sight
from selfservice.store.database import Database

#: A project's name, hosts, operations, repositories, how many people approve, and what becomes of commands.
_Said = tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...], int, str]


@dataclass(frozen=True)
class Belongings:
    """Which things belong to which projects, by the names of both."""

    hosts: Mapping[str, frozenset[str]] = field(default_factory=dict)
    #: Patterns of operations, and names of repositories, of each project.
    operations: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    repositories: Mapping[str, frozenset[str]] = field(default_factory=dict)
    #: How many people have to approve what runs in each project.
    approvals: Mapping[str, int] = field(default_factory=dict)
    #: What becomes of plain commands on the hosts of each project.
    commands: Mapping[str, CommandRule] = field(default_factory=dict)

    def of_host(self, name: str) -> frozenset[str]:
        """The projects of a host."""
        return self.hosts.get(name, frozenset())

    def of_operation(self, name: str) -> frozenset[str]:
        """The projects of an operation; one of a repository belongs where the repository does."""
        named = {project for project, each in self.operations.items() if any(fnmatchcase(name, one) for one in each)}
        return frozenset(named | self.of_repository(name.partition(".")[0]) if "." in name else named)

    def of_repository(self, name: str) -> frozenset[str]:
        """The projects of a repository."""
        return frozenset(project for project, each in self.repositories.items() if name in each)


@dataclass(frozen=True)
class HolderSight:
    """What one person or token sees."""

    #: Nobody where it is what a project has.
    holder: Identity | None
    levels: Mapping[str, Level]
    belongings: Belongings
    #: Managers: whatever project there is or was.
    all_projects: bool
    #: What belongs to no project is open to them as far as their role goes.
    outside: bool
    #: Tells two states of inventory and projects from one another.
    state: Hashable = None

    @property
    def everything(self) -> bool:
        """Whether nothing is hidden."""
        return self.all_projects and self.outside

    @property
    def key(self) -> Hashable:
        """The same for two sights that see the same."""
        return (tuple(sorted(self.levels.items())), self.all_projects, self.outside, self.state)

    def level(self, scope: Scope) -> Level:
        """How far access goes: to the project it was done in, else to everything that it touches."""
        if self.everything:
            return Level.ADMIN
        if scope.project:
            return self._in([scope.project])
        touched = [self._in(self.belongings.of_host(each)) for each in scope.hosts]
        if scope.operation and self.belongings.of_operation(scope.operation):
            touched.append(self._in(self.belongings.of_operation(scope.operation)))
        if scope.repository:
            touched.append(self._in(self.belongings.of_repository(scope.repository)))
        if not touched:
            touched.append(self._in(()))
        return min(touched)

    def may(self, permission: str, scope: Scope) -> bool:
        """Whether `permission` is given for a thing of this scope."""
        return self.holder is not None and decide(self.holder, Permission(permission), self.level(scope))

    def _in(self, projects: Collection[str]) -> Level:
        if self.all_projects and projects:
            return Level.ADMIN
        if not projects:
            return Level.ADMIN if self.outside else Level.NONE
        return max(self.levels.get(each, Level.NONE) for each in projects)


class Sights:
    """Works out what somebody sees, as of this moment."""

    def __init__(self, database: Database, inventory: Inventory) -> None:
        """Look into `database`; `inventory` says which hosts a pattern means."""
        self._database = database
        self._inventory = inventory
        self._lock = threading.Lock()
        self._state: Hashable = None
        self._belongings = Belongings()

    def of(self, holder: Identity) -> Sight:
        """What a person or token sees now."""
        limited = holder.projects if isinstance(holder, Token) else None
        person = holder.person if isinstance(holder, Token) else holder
        if person.is_administrator and limited is None:
            return EVERYTHING
        with self._database.session() as session:
            levels = levels_of(session, person.id)
            belongings, state = self._now(session)
        manager = person.is_manager or person.is_administrator
        if limited is not None:
            levels = {
                name: Level.ADMIN if manager else levels.get(name, Level.NONE)
                for name in limited
                if manager or name in levels
            }
        return HolderSight(
            holder,
            levels,
            belongings,
            all_projects=manager and limited is None,
            outside=limited is None and decide(holder, Permission.PROJECT_OUTSIDE),
            state=state,
        )

    def of_project(self, name: str) -> Sight:
        """What there is of one project."""
        with self._database.session() as session:
            belongings, state = self._now(session)
        known = {name: Level.READ} if name in belongings.operations else {}
        return HolderSight(None, known, belongings, all_projects=False, outside=False, state=state)

    def belongings(self) -> Belongings:
        """Which things belong to which projects now."""
        with self._database.session() as session:
            return self._now(session)[0]

    def _now(self, session: Session) -> tuple[Belongings, Hashable]:
        columns = (
            *(Project.name, Project.hosts, Project.operations, Project.repositories),
            *(Project.approval_steps, Project.commands),
        )
        rows = session.execute(select(*columns).order_by(Project.name)).all()
        said = tuple((row[0], tuple(row[1]), tuple(row[2]), tuple(row[3]), row[4], row[5]) for row in rows)
        try:
            state: Hashable = (said, self._inventory.version() if said else 0)
        except InventoryError as error:
            state = (said, error.sentence)
        with self._lock:
            if state != self._state:
                self._belongings = self._read(said)
                self._state = state
            return self._belongings, hash(state)

    def _read(self, said: Iterable[_Said]) -> Belongings:
        hosts: dict[str, set[str]] = defaultdict(set)
        operations, repositories, approvals, commands = {}, {}, {}, {}
        for name, patterns, operations_of, repositories_of, steps, rule in said:
            for host in self._hosts_of(patterns):
                hosts[host].add(name)
            operations[name], repositories[name] = operations_of, frozenset(repositories_of)
            approvals[name], commands[name] = steps, CommandRule(rule)
        of_host = {host: frozenset(each) for host, each in hosts.items()}
        return Belongings(of_host, operations, repositories, approvals, commands)

    def _hosts_of(self, patterns: Iterable[str]) -> set[str]:
        """What the patterns mean; a plain name belongs to the project also when it has left the inventory."""
        found: set[str] = set()
        for pattern in patterns:
            matched = self._inventory.preview(pattern)
            found.update(matched or (part.strip() for part in pattern.split(",")))
        return found


def levels_of(session: Session, person_id: int) -> dict[str, Level]:
    """How far a person's access goes in each project they have any access to: their own, or by a team."""
    teams = select(TeamMember.team_id).where(TeamMember.person_id == person_id)
    rows = session.execute(
        select(Project.name, ProjectAccess.level, ProjectAccess.group_level)
        .join(ProjectAccess, ProjectAccess.project_id == Project.id)
        .where(or_(ProjectAccess.person_id == person_id, ProjectAccess.team_id.in_(teams)))
    )
    levels: dict[str, Level] = {}
    for name, level, group_level in rows:
        found = Level(max(level, group_level, levels.get(name, Level.NONE)))
        if found:
            levels[name] = found
    return levels
