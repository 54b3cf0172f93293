"""What can go wrong with runs, in sentences for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selfservice.errors import ApplicationError, NotFound, Unavailable
from selfservice.runs.run import State

if TYPE_CHECKING:
    from selfservice.runs.listing import RunRow


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


class SecretsGone(ApplicationError):
    """The secret values of a queued run were taken already, or the key that sealed them is another."""

    status = 409
    problem_type = "secrets-gone"
    title = "The secret values are gone"


class NotAsApproved(ApplicationError):
    """What would run is not what somebody approved."""

    status = 409
    problem_type = "not-as-approved"
    title = "Not as it was approved"


class KeyReused(ApplicationError):
    """An idempotency key came with another request than the one it stands for."""

    status = 422
    problem_type = "idempotency-key-reused"
    title = "This idempotency key is taken"


class SameRunning(ApplicationError):
    """The same is queued or running already."""

    status = 409
    problem_type = "same-running"
    title = "The same is already running"

    def __init__(self, title: str, same: RunRow, *, may_force: bool) -> None:
        """Keep the other run, so that a page can lead there; `may_force` where it may be started beside it."""
        going_on = "is queued" if same.state is State.QUEUED else "is running"
        what_to_do = "Open it, or start a second one anyway." if may_force else "Open it, or wait for its end."
        super().__init__(
            f"“{title}” {going_on} already on the same hosts with the same values,"
            f" started by {same.person}. {what_to_do}",
            run_id=same.id,
            started_by=same.person,
            queued_at=same.queued_at,
            may_force=may_force,
        )
        self.same = same
        self.may_force = may_force
