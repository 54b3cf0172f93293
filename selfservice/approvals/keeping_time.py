"""What becomes of requests by the clock: it finishes what a killed process began, reminds, and lets them expire."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import or_, select

from selfservice.approvals.desk import Desk, now
from selfservice.approvals.models import Request, State
from selfservice.approvals.reading import Reading
from selfservice.approvals.starting import Starting, end
from selfservice.audit.actions import SYSTEM, Kind

log = logging.getLogger(__name__)


class Telling(Protocol):
    """How people learn of requests; each call with the same request, revision and step says it once."""

    def waiting(self, request: Request, deciders: list[str], reminder: int) -> None:
        """These people can decide it now."""

    def decided(self, request: Request) -> None:
        """It has come to an end."""


class KeepingTime:
    """Looks at the requests whenever it is told the time; one process of a master does."""

    def __init__(self, desk: Desk, starting: Starting, reading: Reading, telling: Telling) -> None:
        """Finish through `starting`, tell through `telling`."""
        self._desk = desk
        self._starting = starting
        self._reading = reading
        self._telling = telling

    def tick(self, moment: datetime | None = None) -> None:
        """See to every request as of `moment`."""
        moment = moment or now()
        unfinished = or_(Request.state.in_((State.WAITING.value, State.APPROVED.value)), Request.end_told.is_(False))
        with self._desk.database.session() as session:
            waiting = list(session.scalars(select(Request).where(unfinished).order_by(Request.id)))
        for request in waiting:
            try:
                self._see_to(request, moment)
            except Exception:  # what goes wrong with one request spoils no other
                log.exception("request %d could not be seen to", request.id)

    def _see_to(self, request: Request, moment: datetime) -> None:
        state = State(request.state)
        if state is State.APPROVED:
            self._starting.try_start(request.id)
        elif not state.open:
            self._tell_end(request)
        elif request.expires_at <= moment:
            self._expire(request.id, moment)
        elif not request.present.previewed and request.present.preview:
            self._starting.try_preview(request.id)
        elif self._starting.is_previewed(request):
            self._tell_waiting(request, moment)

    def _expire(self, request_id: int, moment: datetime) -> None:
        with self._desk.changing(request_id) as request:
            if State(request.state) is State.WAITING and request.expires_at <= moment:
                self._desk.record(Kind.REQUEST_EXPIRE, SYSTEM, request)
                end(request, State.EXPIRED, "Nobody decided it in time.")

    def _tell_waiting(self, request: Request, moment: datetime) -> None:
        again = timedelta(hours=request.remind_hours)
        if request.told_at is not None and moment - request.told_at < again:
            return
        reminder = 0 if request.told_at is None else int((moment - request.present.at) / again)
        self._telling.waiting(request, self._reading.deciders(request), reminder)
        with self._desk.changing(request.id) as told:
            if (told.revision, told.step_number) == (request.revision, request.step_number):
                told.told_at = moment

    def _tell_end(self, request: Request) -> None:
        self._telling.decided(request)
        with self._desk.changing(request.id) as told:
            told.end_told = True
