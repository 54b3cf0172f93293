"""What happened to a request, in its order: versions, decisions, comments and its end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from selfservice.approvals.difference import Difference, differences
from selfservice.approvals.models import Request, State


@dataclass(frozen=True)
class Event:
    """One thing that happened."""

    at: datetime
    by: str
    #: What they did, in words that follow the name.
    words: str
    text: str = ""
    differences: tuple[Difference, ...] = ()


_ENDS = {
    State.WITHDRAWN: "withdrew it",
    State.EXPIRED: "nobody decided it in time",
    State.REFUSED: "it could not start",
}


def story(request: Request) -> list[Event]:
    """All of it, the oldest first."""
    revisions = request.revisions
    found = [Event(revisions[0].at, revisions[0].by, "asked for it")]
    for old, new in pairwise(revisions):
        who, words = ("Selfservice", "asked again") if new.why else (new.by, "changed what is asked for")
        found.append(Event(new.at, who, words, new.why, tuple(differences(old, new))))
    for vote in request.votes:
        words = f"approved step {vote.step + 1} of version {vote.revision}" if vote.approves else "rejected it"
        found.append(Event(vote.at, vote.by, words, vote.comment))
    found += [Event(each.at, each.by, "wrote", each.text) for each in request.comments]
    state = State(request.state)
    if request.ended_at and state in _ENDS:
        who = request.asked_by if state is State.WITHDRAWN else "Selfservice"
        found.append(Event(request.ended_at, who, _ENDS[state], request.why if state is not State.EXPIRED else ""))
    if request.ended_at and state is State.LAUNCHED:
        found.append(Event(request.ended_at, "Selfservice", "started it"))
    return sorted(found, key=lambda event: event.at)
