"""The rules of teams: people who get access together."""

from __future__ import annotations

import re
from collections.abc import Collection

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from selfservice.accounts.models import Person
from selfservice.audit.actions import Action, Actor, Kind
from selfservice.audit.journal import Journal
from selfservice.errors import BadInput, ChangedMeanwhile
from selfservice.projects.errors import TeamNotFound
from selfservice.projects.models import Team, TeamMember
from selfservice.store.database import Database

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*\Z")
_LONGEST_NAME = 40
_LONGEST_DESCRIPTION = 200


class Teams:
    """The teams of one node."""

    def __init__(self, database: Database, journal: Journal) -> None:
        """Keep them in `database` and record changes in `journal`."""
        self._database = database
        self._journal = journal

    def all(self) -> list[Team]:
        """Every team, by name."""
        with self._database.session() as session:
            return list(session.scalars(select(Team).order_by(Team.name)))

    def get(self, name: str) -> Team:
        """The team called `name`. Raises TeamNotFound."""
        with self._database.session() as session:
            return _get(session, name)

    def members(self, team: Team) -> list[Person]:
        """Who is in it, by name."""
        with self._database.session() as session:
            return _members(session, team)

    def create(self, name: str, description: str, actor: Actor) -> Team:
        """A new team without anybody in it. Raises BadInput naming the field."""
        name = name.strip().lower()
        if not _NAME.match(name) or len(name) > _LONGEST_NAME:
            raise BadInput(
                f"A team is named by up to {_LONGEST_NAME} small letters, digits and dashes, such as night-shift.",
                "name",
            )
        team = Team(name=name, description=_described(description), version=1)
        with self._database.session() as session:
            session.add(team)
            try:
                session.flush()
            except IntegrityError as error:
                raise BadInput(f"There is a team called {name} already.", "name") from error
            self._record(Kind.TEAM_CREATE, actor, name, {})
        return team

    def change(self, name: str, description: str, members: Collection[str], version: int, actor: Actor) -> None:
        """Give it another description and other members.

        Raises TeamNotFound, BadInput, and ChangedMeanwhile that says who is in it now.
        """
        described = _described(description)
        with self._database.session() as session:
            team = _get(session, name)
            statement = update(Team).where(Team.id == team.id, Team.version == version)
            moved = session.execute(statement.values(description=described, version=version + 1))
            before = {person.name for person in _members(session, team)}
            if moved.rowcount != 1:  # type: ignore[attr-defined]
                raise ChangedMeanwhile(
                    f"Somebody else has changed the team {name} since you opened it. Now in it: "
                    f"{', '.join(sorted(before)) or 'nobody'}. Save again to have it as below."
                )
            wanted = {name: _person(session, name) for name in members}
            session.execute(delete(TeamMember).where(TeamMember.team_id == team.id))
            session.add_all(TeamMember(team_id=team.id, person_id=person.id) for person in wanted.values())
            sides = {"added": sorted(set(wanted) - before), "removed": sorted(before - set(wanted))}
            self._record(Kind.TEAM_CHANGE, actor, name, {side: ", ".join(who) for side, who in sides.items() if who})

    def remove(self, name: str, actor: Actor) -> None:
        """Remove it; the access it gave ends. Raises TeamNotFound."""
        with self._database.session() as session:
            session.execute(delete(Team).where(Team.id == _get(session, name).id))
            self._record(Kind.TEAM_REMOVE, actor, name, {})

    def _record(self, kind: Kind, actor: Actor, name: str, detail: dict[str, str]) -> None:
        self._journal.append(Action(kind, actor, f"team {name}", detail=detail))


def _get(session: Session, name: str) -> Team:
    found = session.scalar(select(Team).where(Team.name == name))
    if found is None:
        raise TeamNotFound(f"There is no team called {name[:80]} (any more).")
    return found


def _members(session: Session, team: Team) -> list[Person]:
    chosen = select(Person).join(TeamMember, TeamMember.person_id == Person.id).where(TeamMember.team_id == team.id)
    return list(session.scalars(chosen.order_by(Person.name)))


def _person(session: Session, name: str) -> Person:
    found = session.scalar(select(Person).where(Person.name == name))
    if found is None:
        raise BadInput(f"There is no account called {name[:80]}.", "members")
    return found


def _described(description: str) -> str:
    description = description.strip()
    if len(description) > _LONGEST_DESCRIPTION or not description.isprintable():
        raise BadInput(f"A description is one line of at most {_LONGEST_DESCRIPTION} characters.", "description")
    return description
