"""The page with the form of an operation, whoever shows it: to start it, or to change what a request asks for."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import render_template, request
from flask.typing import ResponseReturnValue

from selfservice.accounts.permissions import Permission
from selfservice.errors import ApplicationError, BadInput
from selfservice.nodes.inventory import InventoryError
from selfservice.operations import form
from selfservice.operations.catalogue import Operation
from selfservice.operations.sent import Given
from selfservice.operations.values import ValueErrors
from selfservice.runs.errors import SameRunning
from selfservice.runs.listing import RunQuery
from selfservice.web.access import current_person
from selfservice.web.services import services

_RECENT = 5


@dataclass(frozen=True)
class Changing:
    """The request whose values the form changes, instead of starting something."""

    number: int
    revision: int
    url: str


def form_page(
    operation: Operation,
    hosts: str,
    given: Given,
    error: ApplicationError | None = None,
    changing: Changing | None = None,
) -> ResponseReturnValue:
    """The form, filled with what was `given`; `error` says why nothing came of it."""
    wrong = dict(given.errors)
    if isinstance(error, BadInput) and error.field and not isinstance(error, ValueErrors):
        wrong[error.field] = error.sentence
    operations = services().operations
    projects = operations.possible_projects(operation)
    known: dict[str, Any] = {"hosts": [], "groups": []}
    try:
        allowed = set(operations.allowed_hosts(operation))
        known["hosts"] = [host for host in services().inventory.hosts() if host.name in allowed]
        known["groups"] = [group for group in services().inventory.groups() if allowed.issuperset(group.hosts)]
    except (InventoryError, BadInput) as trouble:
        error = error or trouble
    return render_template(
        "operations/show.html",
        operation=operation,
        sidecar=operation.sidecar,
        fields=form.fields(operation, given.values, wrong, operations.choices),
        free=form.free_text(given.values) if not operation.has_spec else "",
        typed=request.form,
        chosen=hosts,
        preview_hosts=services().inventory.preview(hosts),
        errors=wrong,
        trouble="" if error is None or wrong or isinstance(error, SameRunning) else error.sentence,
        same=error if isinstance(error, SameRunning) else None,
        held_back=services().blackouts.reason_at(datetime.now(UTC)),
        key=secrets.token_urlsafe(16),
        projects=projects,
        steps=operations.approval_steps(operation, projects[0] if len(projects) == 1 else ""),
        changing=changing,
        may_read_runs=current_person().may(Permission.RUN_READ),
        recent=services().runs.list(RunQuery(operation=operation.name, limit=_RECENT)).runs,
        **known,
    ), error.status if error else 200
