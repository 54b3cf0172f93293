"""The rules of projects: made and said what belongs to them by whoever may, seen by whoever has access."""

from __future__ import annotations

import copy
import re
from dataclasses import asdict, dataclass, fields

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from selfservice.accounts.permissions import Permission
from selfservice.audit.actions import Action, Actor, Kind
from selfservice.audit.journal import Journal
from selfservice.errors import BadInput, ChangedMeanwhile, Forbidden
from selfservice.nodes.inventory import Inventory, InventoryError, PatternError
from selfservice.projects.errors import ProjectNotFound
from selfservice.projects.models import Project
from selfservice.scope import EVERYTHING, Level, Scope, Sight, sees
from selfservice.store.database import Database

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*\Z")
_OPERATION = re.compile(r"[\w.*?-]{1,200}\Z")
_REPOSITORY = re.compile(r"[a-z0-9][a-z0-9-]{0,62}\Z")
_LONGEST_NAME = 40
_LONGEST_TITLE = 80
_LONGEST_DESCRIPTION = 2000
_MOST_ENTRIES = 500
_MOST_STEPS = 5


@dataclass(frozen=True)
class Plan:
    """What somebody says of a project."""

    title: str
    description: str = ""
    hosts: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    repositories: tuple[str, ...] = ()
    approval_steps: int = 0


class Projects:
    """The projects of one node."""

    def __init__(self, database: Database, journal: Journal, inventory: Inventory) -> None:
        """Keep them in `database` and record changes in `journal`; patterns are tried on `inventory`."""
        self._database = database
        self._journal = journal
        self._inventory = inventory
        self._sight: Sight = EVERYTHING

    def seen_by(self, sight: Sight) -> Projects:
        """The same for somebody: what they do not see is not there."""
        bound = copy.copy(self)
        bound._sight = sight
        return bound

    def all(self) -> list[Project]:
        """Every project, by title."""
        with self._database.session() as session:
            found = session.scalars(select(Project).order_by(Project.title, Project.id))
            return [each for each in found if sees(self._sight, Scope(each.name))]

    def get(self, name: str) -> Project:
        """The project called `name`. Raises ProjectNotFound."""
        with self._database.session() as session:
            found = session.scalar(select(Project).where(Project.name == name))
        if found is None or not sees(self._sight, Scope(name)):
            raise ProjectNotFound(f"There is no project called {name[:80]} (any more).")
        return found

    def level(self, name: str) -> Level:
        """How far access to it goes."""
        return self._sight.level(Scope(name))

    def managed(self, name: str) -> Project:
        """The same for whoever looks after it. Raises ProjectNotFound, Forbidden."""
        found = self.get(name)
        if not self._sight.may(Permission.PROJECT_MANAGE, Scope(name)):
            raise Forbidden(f"This is for those who look after {found.title}: they have the access “admin” to it.")
        return found

    def create(self, name: str, plan: Plan, actor: Actor) -> Project:
        """A new project. Raises BadInput naming the field."""
        name = name.strip().lower()
        if not _NAME.match(name) or len(name) > _LONGEST_NAME:
            raise BadInput(
                f"A project is named by up to {_LONGEST_NAME} small letters, digits and dashes, such as web-shop.",
                "name",
            )
        project = Project(name=name, **self._checked(plan))
        with self._database.session() as session:
            session.add(project)
            try:
                session.flush()
            except IntegrityError as error:
                raise BadInput(f"There is a project called {name} already.", "name") from error
            self._record(Kind.PROJECT_CREATE, actor, project, _difference(Plan(""), plan))
        return project

    def change(self, name: str, plan: Plan, version: int, actor: Actor) -> Project:
        """Change what belongs to it. Raises ProjectNotFound, BadInput, and ChangedMeanwhile that says what changed."""
        values, project = self._checked(plan), self.get(name)
        statement = update(Project).where(Project.name == name, Project.version == version)
        with self._database.session() as session:
            if session.execute(statement.values(**values, version=version + 1)).rowcount != 1:  # type: ignore[attr-defined]
                raise ChangedMeanwhile.since(project.title, asdict(plan_of(project)), asdict(plan))
            self._record(Kind.PROJECT_CHANGE, actor, project, _difference(plan_of(project), plan))
        return self.get(name)

    def remove(self, name: str, actor: Actor) -> None:
        """Remove it with its access and secrets; its hosts and runs stay. Raises ProjectNotFound."""
        project = self.get(name)
        with self._database.session() as session:
            session.execute(delete(Project).where(Project.id == project.id))
            self._record(Kind.PROJECT_REMOVE, actor, project, {})

    def note_test(self, project: Project, run_id: str) -> None:
        """Keep which run tried the SSH settings last."""
        with self._database.session() as session:
            session.execute(update(Project).where(Project.id == project.id).values(ssh_test_run=run_id))

    def _checked(self, plan: Plan) -> dict[str, object]:
        title, description = plan.title.strip(), plan.description.strip()
        if not 0 < len(title) <= _LONGEST_TITLE or not title.isprintable():
            raise BadInput(f"Give it a title of 1 to {_LONGEST_TITLE} characters.", "title")
        if len(description) > _LONGEST_DESCRIPTION:
            raise BadInput(f"A description has at most {_LONGEST_DESCRIPTION} characters.", "description")
        if not 0 <= plan.approval_steps <= _MOST_STEPS:
            raise BadInput(f"So many people approve: 0 to {_MOST_STEPS}.", "approval_steps")
        hosts = _entries(plan.hosts, "hosts")
        for pattern in hosts:
            self._check_pattern(pattern)
        return {
            "title": title,
            "description": description,
            "hosts": hosts,
            "operations": _named(plan.operations, _OPERATION, "operations"),
            "repositories": _named(plan.repositories, _REPOSITORY, "repositories"),
            "approval_steps": plan.approval_steps,
        }

    def _check_pattern(self, pattern: str) -> None:
        try:
            self._inventory.match(pattern)
        except PatternError as error:
            raise BadInput(error.sentence, "hosts") from error
        except InventoryError:
            return  # whoever mends the inventory sees then what the pattern means

    def _record(self, kind: Kind, actor: Actor, project: Project, detail: dict[str, str]) -> None:
        self._journal.append(Action(kind, actor, project.title, project=project.name, detail=detail))


def plan_of(project: Project) -> Plan:
    """What is said of a project now."""
    lists = {name: tuple(getattr(project, name)) for name in ("hosts", "operations", "repositories")}
    return Plan(project.title, project.description, **lists, approval_steps=project.approval_steps)


def _entries(given: tuple[str, ...], name: str) -> list[str]:
    found = list(dict.fromkeys(each.strip() for each in given if each.strip()))
    if len(found) > _MOST_ENTRIES:
        raise BadInput(f"There are at most {_MOST_ENTRIES} of them.", name)
    return found


def _named(given: tuple[str, ...], pattern: re.Pattern[str], name: str) -> list[str]:
    found = _entries(given, name)
    for each in found:
        if not pattern.match(each):
            raise BadInput(f"{each[:80]!r} is not the name of one of them.", name)
    return found


def _difference(before: Plan, after: Plan) -> dict[str, str]:
    old, new = asdict(before), asdict(after)
    changed = [each.name for each in fields(Plan) if old[each.name] != new[each.name]]
    return {name: _word(new[name])[:500] for name in changed}


def _word(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
