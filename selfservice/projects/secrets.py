"""The rules of secrets: sealed when they are typed, given to runs of their project, shown to nobody again."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from selfservice.audit.actions import Action, Actor, Kind
from selfservice.audit.journal import Journal
from selfservice.errors import BadInput
from selfservice.projects.errors import SecretNotFound
from selfservice.projects.models import Project, ProjectSecret
from selfservice.projects.vault import Vault
from selfservice.runs.redaction import SHORTEST_HIDDEN
from selfservice.store.database import Database

_NAME = re.compile(r"[a-z_][a-z0-9_]{0,79}\Z")
#: Variables that say how Ansible itself works could run anything on this node; those of passwords cannot.
_ANSIBLES_OWN = re.compile(r"(ansible_|inventory_|play_|playbook_|role_|(vars|hostvars|groups|group_names|omit)\Z)")
_PASSWORDS = frozenset({"ansible_become_password", "ansible_password", "ansible_ssh_password"})
_LONGEST = 64 * 1024
_LONGEST_DESCRIPTION = 200
_MOST = 200


class Secrets:
    """The secrets of the projects of one node."""

    def __init__(self, database: Database, journal: Journal, vault: Vault) -> None:
        """Keep them in `database`, sealed by `vault`, and record changes in `journal`."""
        self._database = database
        self._journal = journal
        self._vault = vault

    def all(self, project: Project) -> list[ProjectSecret]:
        """Their names and who changed them when; the values stay sealed."""
        with self._database.session() as session:
            return list(session.scalars(_of(project).order_by(ProjectSecret.name)))

    def set(self, project: Project, name: str, value: str, description: str, actor: Actor) -> ProjectSecret:
        """Keep a value under this name, in place of another. Raises BadInput naming the field."""
        name, description = name.strip(), description.strip()
        _check(name, value, description)
        with self._vault.held(), self._database.session() as session:
            secret = session.scalar(_of(project).where(ProjectSecret.name == name))
            if secret is None:
                if len(session.scalars(_of(project)).all()) >= _MOST:
                    raise BadInput(f"A project has at most {_MOST} secrets.", "name")
                secret = ProjectSecret(project_id=project.id, name=name)
                session.add(secret)
            secret.sealed, secret.description = self._vault.seal(value), description
            secret.changed_at, secret.changed_by = datetime.now(UTC), actor.name
            session.flush()
            self._record(Kind.SECRET_SET, actor, project, name)
        return secret

    def remove(self, project: Project, name: str, actor: Actor) -> None:
        """Forget it. Raises SecretNotFound."""
        with self._database.session() as session:
            gone = session.execute(
                delete(ProjectSecret).where(ProjectSecret.project_id == project.id, ProjectSecret.name == name)
            )
            if gone.rowcount != 1:  # type: ignore[attr-defined]
                raise SecretNotFound(f"{project.title} has no secret called {name[:80]} (any more).")
            self._record(Kind.SECRET_REMOVE, actor, project, name)

    def values(self, project: Project) -> dict[str, str]:
        """What a run of the project gets. Raises SecretsUnreadable."""
        return {each.name: self._vault.open(each.sealed) for each in self.all(project)}

    def rotate(self, actor: Actor) -> int:
        """Seal everything by a new key, and forget the old ones; how many values that were.

        Whoever dies in between leaves both keys, which open everything. Raises SecretsUnreadable, Unavailable.
        """
        with self._vault.held():
            self._vault.add_key()
            with self._database.session() as session:
                count = self._reseal(session)
                detail = {"values": str(count)}
                self._journal.append(Action(Kind.SECRET_ROTATE, actor, "the key of secrets", detail=detail))
            self._vault.forget_old_keys()
        return count

    def _reseal(self, session: Session) -> int:
        count = 0
        for secret in session.scalars(select(ProjectSecret).with_for_update()):
            secret.sealed = self._vault.reseal(secret.sealed)
            count += 1
        for project in session.scalars(select(Project).with_for_update()):
            count += bool(project.ssh_key) + bool(project.ssh_passphrase)
            project.ssh_key = self._vault.reseal(project.ssh_key)
            project.ssh_passphrase = self._vault.reseal(project.ssh_passphrase)
        return count

    def _record(self, kind: Kind, actor: Actor, project: Project, name: str) -> None:
        self._journal.append(Action(kind, actor, project.title, project=project.name, detail={"secret": name}))


def _of(project: Project) -> Select[ProjectSecret]:
    return select(ProjectSecret).where(ProjectSecret.project_id == project.id)


def _check(name: str, value: str, description: str) -> None:
    if not _NAME.match(name):
        raise BadInput("Name the variable it becomes: small letters, digits and underscores.", "name")
    if _ANSIBLES_OWN.match(name) and name not in _PASSWORDS:
        given = ", ".join(sorted(_PASSWORDS))
        raise BadInput(f"{name} is a variable of Ansible itself; of those, {given} can be given.", "name")
    if len(value) < SHORTEST_HIDDEN:
        raise BadInput(f"A value of less than {SHORTEST_HIDDEN} characters cannot be hidden in output.", "value")
    if len(value.encode("utf-8", "surrogatepass")) > _LONGEST:
        raise BadInput(f"A value has at most {_LONGEST // 1024} KiB.", "value")
    if len(description) > _LONGEST_DESCRIPTION or not description.isprintable():
        raise BadInput(f"A description is one line of at most {_LONGEST_DESCRIPTION} characters.", "description")
