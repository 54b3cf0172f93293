"""Deciding: approve, reject, withdraw, comment."""

from __future__ import annotations

from typing import Any

from selfservice.accounts.permissions import Permission
from selfservice.approvals.deciders import may_see
from selfservice.approvals.desk import Desk, now
from selfservice.approvals.errors import AskedAgain, NotYourTurn, PreviewNotReady, RequestEnded, RequestNotFound
from selfservice.approvals.models import Comment, Request, State, Vote
from selfservice.approvals.starting import Starting, end
from selfservice.audit.actions import Actor, Kind
from selfservice.errors import BadInput, ChangedMeanwhile, Forbidden
from selfservice.operations.policy import Person
from selfservice.store.ids import new_id

LONGEST_COMMENT = 2000


class Deciding:
    """Takes what people say to requests."""

    def __init__(self, desk: Desk, starting: Starting) -> None:
        """Have what is approved launched by `starting`."""
        self._desk = desk
        self._starting = starting

    def approve(self, request_id: int, revision: int, comment: str, actor: Actor, person: Person) -> Request:
        """Agree to revision number `revision`; with the last step, exactly that is launched.

        Raises RequestNotFound, RequestEnded, ChangedMeanwhile, NotYourTurn, PreviewNotReady, and AskedAgain where
        what would run has changed since it was previewed.
        """
        comment = _checked(comment)
        with self._desk.changing(request_id) as request:
            step = self._step(request, revision, person)
            if not self._starting.is_previewed(request):
                raise PreviewNotReady("The preview still runs; look at what it says, then approve.")
            changed = self._starting.ask_again_where_changed(request)
            if not changed:
                request.votes.append(Vote(**_decision(request, step, actor, person), approves=True, comment=comment))
                self._desk.record(Kind.REQUEST_APPROVE, actor, request, step=str(step + 1), comment=comment)
                request.told_at = None
                if request.step_number is None:
                    request.state, request.run_id = State.APPROVED.value, new_id(now())
        if changed:
            self._starting.try_preview(request_id)
            raise AskedAgain(f"{changed} Nothing was approved: look at the new preview, then decide.")
        self._starting.try_start(request_id)
        return request

    def reject(self, request_id: int, revision: int, comment: str, actor: Actor, person: Person) -> Request:
        """Say no, which ends the request. Raises as `approve`, and BadInput without a comment."""
        comment = _checked(comment)
        if not comment:
            raise BadInput("Say why, so that whoever asked knows what to do.", "comment")
        with self._desk.changing(request_id) as request:
            step = self._step(request, revision, person)
            request.votes.append(Vote(**_decision(request, step, actor, person), approves=False, comment=comment))
            self._desk.record(Kind.REQUEST_REJECT, actor, request, step=str(step + 1), comment=comment)
            end(request, State.REJECTED, comment)
        return request

    def withdraw(self, request_id: int, comment: str, actor: Actor, person: Person) -> Request:
        """Ask for it no longer. Raises RequestNotFound, Forbidden, RequestEnded."""
        comment = _checked(comment)
        with self._desk.changing(request_id) as request:
            self._refuse_stranger(request, person)
            if person.person_name != request.person and not person.is_administrator:
                raise Forbidden(f"Only {request.person}, who asked for it, can withdraw it.")
            # One that was approved is launched under the same lock: it is still to be had here, or it runs.
            if not State(request.state).open:
                raise RequestEnded("This request has ended, so there is nothing to withdraw.")
            request.run_id = None
            self._desk.record(Kind.REQUEST_WITHDRAW, actor, request, comment=comment)
            end(request, State.WITHDRAWN, comment)
        return request

    def comment(self, request_id: int, text: str, actor: Actor, person: Person) -> Request:
        """Say something about it. Raises RequestNotFound, BadInput."""
        text = _checked(text)
        if not text:
            raise BadInput("Write something.", "comment")
        with self._desk.changing(request_id) as request:
            self._refuse_stranger(request, person)
            request.comments.append(Comment(by=actor.name, at=now(), text=text))
            self._desk.record(Kind.REQUEST_COMMENT, actor, request, comment=text)
        return request

    def _step(self, request: Request, revision: int, person: Person) -> int:
        """The number of the step that this person decides now."""
        self._refuse_stranger(request, person)
        step = request.step_number
        if State(request.state) is not State.WAITING or step is None:
            raise RequestEnded(f"This request has been decided already: it is {request.state}.")
        if request.expires_at <= now():
            raise RequestEnded("This request has expired; ask anew.")
        if request.revision != revision:
            raise ChangedMeanwhile("This request was changed since you looked at it; look at what is asked for now.")
        if sentence := self._desk.why_not(request, person):
            raise NotYourTurn(sentence)
        return step

    def _refuse_stranger(self, request: Request, person: Person) -> None:
        if not may_see(request, self._desk.subject_of(request), person) or not person.may(Permission.REQUEST_READ):
            raise RequestNotFound(f"There is no request {request.id} for {person.name}.")


def _decision(request: Request, step: int, actor: Actor, person: Person) -> dict[str, Any]:
    """Whose it is, and of what."""
    named = {"person": person.person_name, "by": actor.name}
    return {**named, "revision": request.revision, "step": step, "at": now()}


def _checked(text: str) -> str:
    text = text.replace("\r\n", "\n").strip()
    if len(text) > LONGEST_COMMENT:
        raise BadInput(f"A comment has at most {LONGEST_COMMENT} characters.", "comment")
    if not text.replace("\n", "").replace("\t", "").isprintable() and text:
        raise BadInput("A comment has no control characters.", "comment")
    return text
