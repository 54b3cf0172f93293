"""Who decides a request: never who asked, never who wrote what stands in it, and nobody twice."""

from __future__ import annotations

from selfservice.accounts.permissions import Permission
from selfservice.approvals.models import Request, State
from selfservice.approvals.subjects import Subject
from selfservice.operations.approval_policy import Step
from selfservice.operations.policy import Person


def why_not(request: Request, subject: Subject | None, person: Person) -> str:
    """Why this person cannot decide the present step, in a sentence; empty where they can."""
    step = request.step
    if State(request.state) is not State.WAITING or step is None:
        return "There is nothing left to decide."
    if person.person_name == request.person:
        return "Nobody approves their own request, by a token of theirs neither."
    if not person.may(Permission.REQUEST_ANSWER):
        return f"{person.name} has no right to answer requests."
    if person.person_name == request.present.person:
        return "You changed this request last, so somebody else has to approve it."
    if any(vote.person == person.person_name for vote in request.present_votes):
        return "You have approved it already; the next step is for somebody else."
    if not may_take(step, subject, person):
        return f"This step is for {step.words}."
    return ""


def may_take(step: Step, subject: Subject | None, person: Person) -> bool:
    """Whether the step is for this person."""
    if step.people or step.roles:
        return person.person_name in step.people or person.role_name in step.roles
    return subject is not None and subject.may_run(person)


def may_see(request: Request, subject: Subject | None, person: Person) -> bool:
    """Whether this person may know of the request."""
    if person.is_administrator or person.person_name == request.person:
        return True
    if subject is not None and subject.may_run(person):
        return True
    return any(may_take(step, subject, person) for step in request.present.approvals_needed)


def may_change(request: Request, subject: Subject | None, person: Person) -> bool:
    """Whether this person may change what is asked for: who asked, and whoever has a step in it."""
    if State(request.state) is not State.WAITING or not person.may(Permission.REQUEST_COMMENT):
        return False
    if person.person_name == request.person:
        return True
    return person.may(Permission.REQUEST_ANSWER) and any(
        may_take(step, subject, person) for step in request.present.approvals_needed
    )
