"""What everything about requests stands on: the records, one writer at a time, and whom a request concerns."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from selfservice.accounts.accounts import Accounts
from selfservice.accounts.models import Person as Account
from selfservice.accounts.permissions import Permission
from selfservice.approvals.deciders import why_not
from selfservice.approvals.errors import RequestNotFound
from selfservice.approvals.models import Request
from selfservice.approvals.subjects import CommandAsked, OperationAsked, Subject
from selfservice.audit.actions import Action, Actor, Kind
from selfservice.audit.journal import Journal
from selfservice.commands.commands import Commands
from selfservice.nodes.inventory import Inventory
from selfservice.operations.catalogue import Operation, OperationNotFound
from selfservice.operations.operations import Operations
from selfservice.operations.policy import Person
from selfservice.runs.errors import SecretsGone
from selfservice.runs.runs import Runs
from selfservice.scope import EVERYTHING, Sight, sees
from selfservice.settings import Settings
from selfservice.store import files
from selfservice.store.database import Database
from selfservice.store.sealing import Seal, SealBroken


@dataclass(frozen=True)
class Desk:
    """One a process."""

    settings: Settings
    database: Database
    journal: Journal
    accounts: Accounts
    operations: Operations
    commands: Commands
    inventory: Inventory
    runs: Runs
    #: What each person sees.
    sight_of: Callable[[Account], Sight]
    #: What whoever stands here sees: other requests are not there.
    sight: Sight = EVERYTHING

    def seen_by(self, sight: Sight) -> Desk:
        """The same for somebody."""
        return replace(
            self,
            operations=self.operations.seen_by(sight),
            commands=self.commands.seen_by(sight),
            inventory=self.inventory.seen_by(sight),
            runs=self.runs.seen_by(sight),
            sight=sight,
        )

    def seal(self, secrets: Mapping[str, Any]) -> str:
        """Secret values as they may stand in a record; empty where there are none."""
        return self._seal.seal(json.dumps(secrets)) if secrets else ""

    def unseal(self, sealed: str) -> dict[str, Any]:
        """The secret values again. Raises SecretsGone."""
        try:
            found: dict[str, Any] = json.loads(self._seal.unseal(sealed)) if sealed else {}
        except SealBroken as error:
            raise SecretsGone("The secret values of this request are gone; ask anew.") from error
        return found

    @property
    def _seal(self) -> Seal:
        return Seal(self.settings.instance / "approvals_key")

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """One transaction, and no other process of this node writes to a request meanwhile."""
        with files.locked(self.settings.instance / "approvals.lock"), self.database.session() as session:
            yield session

    @contextmanager
    def changing(self, request_id: int) -> Iterator[Request]:
        """The request, to be changed. Raises RequestNotFound."""
        with self.writing() as session:
            request = self.found(session, request_id)
            yield request
            if session.new or any(session.is_modified(each) for each in session.dirty):
                request.version += 1

    def sees(self, request: Request) -> bool:
        """Whether the request exists for whoever stands here."""
        return sees(self.sight, request.present.run_request.scope)

    def why_not(self, request: Request, person: Person) -> str:
        """Why this person, who stands here, cannot decide the present step; empty where they can."""
        if sentence := why_not(request, self.subject_of(request), person):
            return sentence
        if not self.sight.may(Permission.REQUEST_ANSWER, request.present.run_request.scope):
            return "You may look at this project, but decide nothing in it: that needs the access “write”."
        return ""

    def found(self, session: Session, request_id: int) -> Request:
        """The request of that number. Raises RequestNotFound."""
        request = session.get(Request, request_id) if 0 < request_id < 2**31 else None
        if request is None or not self.sees(request):
            raise RequestNotFound(f"There is no request {request_id}.")
        return request

    def subject_of(self, request: Request) -> Subject | None:
        """What is asked for; None where it is an operation that is gone."""
        try:
            return self.subject(request)
        except OperationNotFound:
            return None

    def subject(self, request: Request) -> Subject:
        """What is asked for. Raises OperationNotFound where it is gone."""
        if not request.operation:
            return CommandAsked(self.commands, request.present.run_request.become)
        return self.operation(self.operations.catalogue.get(request.operation))

    def operation(self, operation: Operation) -> Subject:
        """An operation, to be asked for."""
        return OperationAsked(operation, self.operations, self.inventory)

    def asker_of(self, request: Request) -> Account | None:
        """The person who asked; None where they may not act any more."""
        person = self.accounts.find(request.person)
        return person if person and person.active else None

    def record(self, kind: Kind, actor: Actor, request: Request, **detail: str) -> None:
        """Tell the audit; before the transaction is committed, so that nothing happens that it does not know."""
        asked = request.present.run_request
        facts = {
            "request": str(request.id),
            "revision": str(request.revision),
            "operation": request.operation,
            **detail,
        }
        facts = {name: value[:500] for name, value in facts.items() if value}
        self.journal.append(Action(kind, actor, request.title, hosts=asked.host_names, detail=facts))


def now() -> datetime:
    """This moment."""
    return datetime.now(UTC)
