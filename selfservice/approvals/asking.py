"""Asking: an order becomes a request with its preview; a changed one starts its steps again."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, replace
from datetime import timedelta

from sqlalchemy import select

from selfservice.accounts.models import Identity
from selfservice.accounts.permissions import Permission
from selfservice.approvals.deciders import may_change, may_see
from selfservice.approvals.desk import Desk, now
from selfservice.approvals.difference import differences
from selfservice.approvals.errors import RequestEnded, RequestNotFound
from selfservice.approvals.models import Request, Revision, State
from selfservice.approvals.starting import Starting
from selfservice.approvals.subjects import CommandAsked, Subject, Wish
from selfservice.audit.actions import Actor, Kind
from selfservice.commands.commands import Command
from selfservice.errors import BadInput, ChangedMeanwhile, Forbidden
from selfservice.operations.operations import Order
from selfservice.operations.policy import Person
from selfservice.runs.content import content_of
from selfservice.runs.errors import KeyReused
from selfservice.runs.launching import LONGEST_KEY, Launch
from selfservice.runs.run import RunRequest
from selfservice.store.ids import new_id


class Asking:
    """Makes requests and new versions of them."""

    def __init__(self, desk: Desk, starting: Starting) -> None:
        """Have previews launched by `starting`."""
        self._desk = desk
        self._starting = starting

    def ask(self, order: Order, actor: Actor, person: Person) -> Request:
        """A request for what `order` says; when this returns it is on disk and in the audit.

        Raises what `Operations.launch` raises but ApprovalNeeded.
        """
        operation = self._desk.operations.get(order.operation, person)
        launch = self._desk.operations.prepare(order, actor, person)
        return self._ask(self._desk.operation(operation), launch, person, order.key)

    def ask_command(self, command: Command, actor: Actor, person: Identity, key: str = "") -> Request:
        """The same for a plain command.

        What a schedule asks for again while it still waits is the same request.
        Raises what `Commands.launch` raises but ApprovalNeeded.
        """
        request = self._desk.commands.check(command, may_become=person.may(Permission.COMMAND_BECOME))
        if actor.via == "schedule" and (known := self._waiting(request, actor)):
            return known
        return self._ask(CommandAsked(self._desk.commands, request.become), Launch(request, actor), person, key)

    def _ask(self, subject: Subject, launch: Launch, person: Person, key_given: str) -> Request:
        actor = launch.actor
        if len(key_given) > LONGEST_KEY:
            raise BadInput(f"An idempotency key has at most {LONGEST_KEY} characters.", "Idempotency-Key")
        key = hashlib.sha256(f"{actor.name}\0{key_given}".encode()).hexdigest() if key_given else None
        revision = self._revision(subject, launch, actor, person, 1)
        with self._desk.writing() as session:
            if known := session.scalar(select(Request).where(Request.key == key)) if key else None:
                if known.revisions[0].run_request.fingerprint != launch.request.fingerprint:
                    raise KeyReused("This idempotency key was used for another request; make a new one.")
                return known
            request = _request(subject, revision, actor, person, key)
            session.add(request)
            session.flush()
            self._desk.record(Kind.REQUEST_ASK, actor, request)
        self._starting.try_preview(request.id)
        return request

    def change(self, request_id: int, wish: Wish, actor: Actor, person: Person) -> Request:
        """Ask for something else; every step begins again. Secret values that are not given stay as they are.

        Raises RequestNotFound, Forbidden, RequestEnded, ChangedMeanwhile, BadInput naming the field.
        """
        with self._desk.changing(request_id) as request:
            subject = self._changeable(request, wish.revision, person)
            asker = self._desk.asker_of(request)
            if asker is None:
                raise Forbidden(f"{request.person}, who asked for this, has no account in use any more.")
            old = request.present
            kept = self._desk.unseal(old.sealed)
            launch = subject.prepare(wish, old.run_request, kept, request.actor, asker)
            new = self._revision(subject, launch, actor, person, request.revision + 1)
            new.new_secrets = sorted(name for name in launch.secrets if launch.secrets[name] != kept.get(name))
            if not differences(old, new):
                raise BadInput("Nothing is different from what is asked for already.")
            request.title = launch.request.title[:200]
            put_in_place(request, new, subject)
            changes = ", ".join(each.name for each in differences(old, new))
            self._desk.record(Kind.REQUEST_CHANGE, actor, request, changed=changes)
        self._starting.try_preview(request_id)
        return request

    def _changeable(self, request: Request, revision: int, person: Person) -> Subject:
        subject = self._desk.subject_of(request)
        if not may_see(request, subject, person):
            raise RequestNotFound(f"There is no request {request.id} for {person.name}.")
        if State(request.state) is not State.WAITING or subject is None:
            raise RequestEnded("This request has been decided, so it cannot be changed; ask anew.")
        if not may_change(request, subject, person):
            raise Forbidden("Only who asked for this and its approvers can change it.")
        if request.revision != revision:
            raise ChangedMeanwhile("Somebody else has changed this request since you opened it; look at it again.")
        return subject

    def _waiting(self, asked: RunRequest, actor: Actor) -> Request | None:
        """The request for the same by the same, where it waits."""
        waits = Request.state == State.WAITING.value, Request.asked_by == actor.name, Request.via == actor.via
        with self._desk.database.session() as session:
            found = session.scalars(select(Request).where(*waits).order_by(Request.id))
            return next((each for each in found if each.present.run_request.fingerprint == asked.fingerprint), None)

    def _revision(self, subject: Subject, launch: Launch, actor: Actor, person: Person, number: int) -> Revision:
        settings = self._desk.settings
        playbook = launch.request.playbook
        asked = replace(launch.request, content=content_of(settings, playbook) if playbook else "")
        return Revision(
            number=number,
            by=actor.name,
            person=person.person_name,
            at=now(),
            why="",
            asked=asdict(asked),
            inventory=self._desk.inventory.mark(asked.host_names),
            steps=[asdict(step) for step in subject.steps(asked)],
            sealed=self._desk.seal(launch.secrets),
            new_secrets=[],
            preview=new_id(now()) if subject.previews else None,
            previewed=False,
            preview_trouble="",
        )


def put_in_place(request: Request, revision: Revision, subject: Subject) -> None:
    """Make `revision` what is asked for: nobody has approved it yet, and its time begins."""
    request.revisions.append(revision)
    request.revision = revision.number
    request.expires_at = now() + timedelta(hours=subject.policy.expires_hours)
    request.told_at = None


def _request(subject: Subject, revision: Revision, actor: Actor, person: Person, key: str | None) -> Request:
    policy, asked = subject.policy, revision.run_request
    return Request(
        operation=asked.operation,
        title=asked.title[:200],
        asked_by=actor.name,
        via=actor.via,
        address=actor.address,
        person=person.person_name,
        asked_at=revision.at,
        state=State.WAITING.value,
        revision=1,
        expires_at=revision.at + timedelta(hours=policy.expires_hours),
        remind_hours=policy.remind_hours,
        why="",
        version=1,
        end_told=False,
        key=key,
        revisions=[revision],
        votes=[],
        comments=[],
    )
