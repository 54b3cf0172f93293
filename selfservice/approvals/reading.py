"""Reading: requests as a person may see them, and those that wait for them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from selfservice.accounts.permissions import Permission
from selfservice.approvals.deciders import may_change, may_see
from selfservice.approvals.desk import Desk
from selfservice.approvals.errors import RequestNotFound
from selfservice.approvals.models import Request, State
from selfservice.operations.policy import Person

_BATCH = 100


@dataclass(frozen=True)
class RequestQuery:
    """What to look for."""

    state: State | None = None
    #: Only those that this person asked for.
    mine: bool = False
    #: Only those that this person can decide now.
    for_me: bool = False
    limit: int = 50
    #: Only older ones than the request of this number.
    cursor: int | None = None


@dataclass(frozen=True)
class RequestPage:
    """One page of requests, newest first, and where the next one begins."""

    requests: tuple[Request, ...]
    next_cursor: int | None


class Reading:
    """Looks at requests."""

    def __init__(self, desk: Desk) -> None:
        """Look into the records of `desk`."""
        self._desk = desk

    def get(self, request_id: int, person: Person) -> Request:
        """One request. Raises RequestNotFound also where it is not for this person."""
        with self._desk.database.session() as session:
            request = self._desk.found(session, request_id)
        if not may_see(request, self._desk.subject_of(request), person):
            raise RequestNotFound(f"There is no request {request_id} for {person.name}.")
        return request

    def page(self, query: RequestQuery, person: Person) -> RequestPage:
        """Requests that this person may see, newest first."""
        found: list[Request] = []
        cursor = query.cursor
        while len(found) <= query.limit:
            rows = self._batch(query, person, cursor)
            found += [row for row in rows if self._fits(row, query, person)]
            if len(rows) < _BATCH:
                break
            cursor = rows[-1].id
        shown = tuple(found[: query.limit])
        return RequestPage(shown, shown[-1].id if len(found) > query.limit else None)

    def waiting_for(self, person: Person) -> list[Request]:
        """Those that this person can decide now, the oldest first."""
        if not person.may(Permission.REQUEST_ANSWER):
            return []
        statement = select(Request).where(Request.state == State.WAITING.value).order_by(Request.id)
        with self._desk.database.session() as session:
            rows = list(session.scalars(statement))
        return [row for row in rows if self._desk.sees(row) and not self.why_not(row, person)]

    def why_not(self, request: Request, person: Person) -> str:
        """Why this person cannot decide it now; empty where they can."""
        return self._desk.why_not(request, person)

    def may_change(self, request: Request, person: Person) -> bool:
        """Whether this person may change what is asked for."""
        subject = self._desk.subject_of(request)
        return subject is not None and may_change(request, subject, person)

    def deciders(self, request: Request) -> list[str]:
        """The names of everybody who can decide its present step."""
        people = [each for each in self._desk.accounts.people.all() if each.active]
        return [
            each.name for each in people if not self._desk.seen_by(self._desk.sight_of(each)).why_not(request, each)
        ]

    def version(self) -> object:
        """Differs whenever a request came or changed."""
        with self._desk.database.session() as session:
            return tuple(session.execute(select(func.count(), func.sum(Request.version))).one())

    def _batch(self, query: RequestQuery, person: Person, cursor: int | None) -> list[Request]:
        statement = select(Request).order_by(Request.id.desc()).limit(_BATCH)
        if cursor is not None:
            statement = statement.where(Request.id < cursor)
        if query.for_me or query.state:
            state = State.WAITING if query.for_me else query.state
            statement = statement.where(Request.state == (state or State.WAITING).value)
        if query.mine:
            statement = statement.where(Request.person == person.person_name)
        with self._desk.database.session() as session:
            return list(session.scalars(statement))

    def _fits(self, request: Request, query: RequestQuery, person: Person) -> bool:
        if not self._desk.sees(request):
            return False
        if query.for_me:
            return not self.why_not(request, person)
        return may_see(request, self._desk.subject_of(request), person)
