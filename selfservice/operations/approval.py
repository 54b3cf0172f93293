"""Whether an operation needs approval, whoever wishes for it."""

from __future__ import annotations

from selfservice.operations.approval_policy import Step
from selfservice.operations.catalogue import Operation


def approval_steps(operation: Operation) -> tuple[Step, ...]:
    """The approvals that are needed before it runs; none where it runs at once.

    The one place that decides it: the wish of a project is to be added here.
    """
    return operation.sidecar.approval.steps if operation.sidecar.approval else ()
