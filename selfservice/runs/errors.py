"""What can go wrong with runs, in sentences for people."""

from __future__ import annotations

from selfservice.errors import ApplicationError, NotFound, Unavailable


class RunNotFound(NotFound):
    """There is no such run, or its folder was deleted."""

    title = "No such run"


class RunEnded(ApplicationError):
    """The run has already ended, so there is nothing left to cancel."""

    status = 409
    problem_type = "run-ended"
    title = "The run has already ended"


class RunsUnwritable(Unavailable):
    """The folder of runs cannot be written, so nothing can be launched."""

    title = "Runs cannot be written"
