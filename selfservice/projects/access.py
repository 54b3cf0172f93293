"""Who has access to which project: given by people, or by the groups that a directory says somebody is in."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from selfservice.accounts.group_roles import checked_group
from selfservice.accounts.models import Person
from selfservice.audit.actions import SYSTEM, Action, Actor, Kind
from selfservice.audit.journal import Journal
from selfservice.errors import BadInput, ChangedMeanwhile
from selfservice.projects.models import Project, ProjectAccess, ProjectGroup, Team, TeamMember
from selfservice.scope import Level
from selfservice.store.database import Database

#: What may be given, by the word for it; `none` takes it away.
LEVELS = {level.word: level for level in Level}


@dataclass(frozen=True)
class Whom:
    """Who gets access: a `person` or a `team`, by name."""

    kind: str
    name: str


@dataclass(frozen=True)
class Grant:
    """The access of one person or team to one project."""

    project: str
    whom: Whom
    level: Level
    #: What the groups of a directory give; it cannot be taken away here.
    group_level: Level

    @property
    def effective(self) -> Level:
        """What counts."""
        return max(self.level, self.group_level)


class Access:
    """The access to the projects of one node."""

    def __init__(self, database: Database, journal: Journal) -> None:
        """Keep it in `database` and record changes in `journal`."""
        self._database = database
        self._journal = journal

    def all(self) -> list[Grant]:
        """Every grant, by project, people before teams."""
        people = (
            select(Project.name, Person.name, ProjectAccess.level, ProjectAccess.group_level)
            .join(ProjectAccess, ProjectAccess.project_id == Project.id)
            .join(Person, Person.id == ProjectAccess.person_id)
            .order_by(Project.name, Person.name)
        )
        teams = (
            select(Project.name, Team.name, ProjectAccess.level, ProjectAccess.group_level)
            .join(ProjectAccess, ProjectAccess.project_id == Project.id)
            .join(Team, Team.id == ProjectAccess.team_id)
            .order_by(Project.name, Team.name)
        )
        with self._database.session() as session:
            return [
                Grant(project, Whom(kind, name), Level(level), Level(group_level))
                for kind, statement in (("person", people), ("team", teams))
                for project, name, level, group_level in session.execute(statement)
                if level or group_level
            ]

    def of(self, project: Project) -> list[Grant]:
        """The grants of one project."""
        return [each for each in self.all() if each.project == project.name]

    def admins(self, project: str) -> tuple[str, ...]:
        """The names of the people who look after a project, by themselves or by a team."""
        statement = (
            select(Person.name)
            .outerjoin(TeamMember, TeamMember.person_id == Person.id)
            .join(
                ProjectAccess,
                or_(ProjectAccess.person_id == Person.id, ProjectAccess.team_id == TeamMember.team_id),
            )
            .join(Project, Project.id == ProjectAccess.project_id)
            .where(Project.name == project, Person.active)
            .where(or_(ProjectAccess.level >= Level.ADMIN, ProjectAccess.group_level >= Level.ADMIN))
            .distinct()
            .order_by(Person.name)
        )
        with self._database.session() as session:
            return tuple(session.scalars(statement))

    def give(self, project: Project, whom: Whom, level: str, actor: Actor, *, seen: str | None = None) -> Grant:
        """Give a person or a team this access; `none` takes it away.

        `seen` is what whoever gives it saw there before. Raises BadInput naming the field, and ChangedMeanwhile
        where it is no longer so.
        """
        if level not in LEVELS:
            raise BadInput(f"Access is one of {', '.join(LEVELS)}.", "level")
        wanted = LEVELS[level]
        with self._database.session() as session:
            row = _row(session, project, whom)
            before = Level(row.level)
            if seen is not None and seen != before.word:
                raise ChangedMeanwhile(
                    f"Somebody else has changed the access of {whom.name} to {project.title} meanwhile: it is now "
                    f"“{before.word}”, and was “{seen[:20]}” when you looked.",
                    now=before.word,
                )
            row.level = wanted
            session.flush()
            grant = Grant(project.name, whom, wanted, Level(row.group_level))
            _forget_empty(session)
            if before is not wanted:
                detail = {whom.kind: whom.name, "access": f"{before.word} → {wanted.word}"}
                self._journal.append(
                    Action(Kind.PROJECT_ACCESS, actor, project.title, project=project.name, detail=detail)
                )
        return grant

    def groups(self, project: Project) -> list[ProjectGroup]:
        """What groups of a directory give, by their names."""
        mine = select(ProjectGroup).where(ProjectGroup.project_id == project.id)
        with self._database.session() as session:
            return list(session.scalars(mine.order_by(ProjectGroup.group_name)))

    def map_group(self, project: Project, group: str, level: str, actor: Actor, *, seen: str | None = None) -> None:
        """Say what being in a group of a directory gives, from the next sign-in on.

        `seen` is what whoever says it saw there before. Raises BadInput naming the field, and ChangedMeanwhile where
        it is no longer so.
        """
        group = checked_group(group)
        if level not in LEVELS:
            raise BadInput(f"Access is one of {', '.join(LEVELS)}.", "level")
        with self._database.session() as session:
            mine = ProjectGroup.project_id == project.id, ProjectGroup.group_name == group
            row = session.scalar(select(ProjectGroup).where(*mine).with_for_update())
            before = Level(row.level if row else 0).word
            _refuse_unseen(project, group, before, seen)
            session.execute(delete(ProjectGroup).where(*mine))
            if LEVELS[level]:
                session.add(ProjectGroup(project_id=project.id, group_name=group, level=LEVELS[level]))
            detail = {"group": group, "access": f"{before} → {level}"}
            self._journal.append(Action(Kind.PROJECT_ACCESS, actor, project.title, project=project.name, detail=detail))

    def grant_by_sign_in(self, person: Person, groups: Collection[str]) -> None:
        """Let the groups in which somebody has just signed in give what they give now."""
        self.grant_from_groups(person, groups, SYSTEM)

    def grant_from_groups(self, person: Person, groups: Collection[str], actor: Actor) -> dict[str, Level]:
        """Let the groups that a directory says `person` is in give what they give now, and no longer what they gave.

        For whoever signs somebody in. Gives the access to each project; what people gave stays beside it.
        """
        with self._database.session() as session:
            given = select(Project, ProjectGroup.level).join(ProjectGroup, ProjectGroup.project_id == Project.id)
            found: dict[int, tuple[Project, Level]] = {}
            for project, level in session.execute(given.where(ProjectGroup.group_name.in_(list(groups)))):
                known = found.get(project.id, (project, Level.NONE))[1]
                found[project.id] = project, max(known, Level(level))
            rows = {
                row.project_id: row
                for row in session.scalars(select(ProjectAccess).where(ProjectAccess.person_id == person.id))
            }
            for project_id in found.keys() - rows.keys():
                rows[project_id] = ProjectAccess(project_id=project_id, person_id=person.id, level=0, group_level=0)
                session.add(rows[project_id])
            for project_id, row in rows.items():
                wanted = found[project_id][1] if project_id in found else Level.NONE
                if row.group_level != wanted:
                    self._record_group(session, row, person, wanted, actor)
                    row.group_level = wanted
            session.flush()
            _forget_empty(session)
        return {project.name: level for project, level in found.values()}

    def _record_group(self, session: Session, row: ProjectAccess, person: Person, wanted: Level, actor: Actor) -> None:
        project, change = session.get_one(Project, row.project_id), f"{Level(row.group_level).word} → {wanted.word}"
        detail = {"person": person.name, "access": change, "by": "groups of the directory"}
        self._journal.append(Action(Kind.PROJECT_ACCESS, actor, project.title, project=project.name, detail=detail))


def _refuse_unseen(project: Project, group: str, before: str, seen: str | None) -> None:
    if seen is None or seen == before:
        return
    if seen == Level.NONE.word:
        raise BadInput(f"{group} gives the access {before} to {project.title} already: change it in its row.", "group")
    raise ChangedMeanwhile(
        f"Somebody else has changed what {group} gives in {project.title} meanwhile: it is now “{before}”, and was "
        f"“{seen[:20]}” when you looked.",
        now=before,
    )


def _row(session: Session, project: Project, whom: Whom) -> ProjectAccess:
    """The row of a person or team, made where there is none. Raises BadInput."""
    values: dict[str, int] = {"project_id": project.id}
    kind, name = whom.kind, whom.name
    if kind == "person":
        person = session.scalar(select(Person).where(Person.name == name))
        if person is None:
            raise BadInput(f"There is no account called {name[:80]}.", "name")
        values["person_id"] = person.id
    elif kind == "team":
        team = session.scalar(select(Team).where(Team.name == name))
        if team is None:
            raise BadInput(f"There is no team called {name[:80]} (any more).", "name")
        values["team_id"] = team.id
    else:
        raise BadInput("Access is given to a person or to a team.", "kind")
    row = session.scalar(select(ProjectAccess).filter_by(**values).with_for_update())
    if row is None:
        row = ProjectAccess(**values, level=0, group_level=0)
        session.add(row)
    return row


def _forget_empty(session: Session) -> None:
    session.execute(delete(ProjectAccess).where(ProjectAccess.level == 0, ProjectAccess.group_level == 0))
