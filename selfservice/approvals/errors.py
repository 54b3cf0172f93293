"""What can go wrong with requests, in sentences for people."""

from __future__ import annotations

from selfservice.errors import ApplicationError, ChangedMeanwhile, Forbidden, NotFound


class RequestNotFound(NotFound):
    """There is no such request, or it is not for this person."""

    title = "No such request"


class RequestEnded(ApplicationError):
    """Nothing can become of this request any more."""

    status = 409
    problem_type = "request-ended"
    title = "This request has ended"


class NotYourTurn(Forbidden):
    """This person may see the request, and does not decide its present step."""

    problem_type = "not-your-turn"
    title = "This is not for you to decide"


class PreviewNotReady(ApplicationError):
    """Nobody can agree to what they have not seen."""

    status = 409
    problem_type = "preview-not-ready"
    title = "The preview is not ready"


class AskedAgain(ChangedMeanwhile):
    """What would run is no longer what was previewed, so it is asked again from the first step."""

    problem_type = "asked-again"
    title = "It is asked again"
