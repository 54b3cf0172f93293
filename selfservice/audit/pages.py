"""The History page: who did what to what, and its export."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from apiflask import APIBlueprint
from flask import Response, render_template, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue

from selfservice.accounts.permissions import Permission
from selfservice.audit.actions import Action, Kind
from selfservice.audit.filters import NAMES, query_from
from selfservice.audit.history import HistoryPage
from selfservice.audit.journal import Entry
from selfservice.errors import BadInput
from selfservice.web.access import current_actor, requires
from selfservice.web.services import services

blueprint = APIBlueprint("audit", __name__, enable_openapi=False)

_COLUMNS = (
    "time",
    "node",
    "person",
    "via",
    "address",
    "kind",
    "target",
    "outcome",
    "hosts",
    "run_id",
    "detail",
)


@blueprint.get("/history")
@requires(Permission.AUDIT_READ)
def index() -> ResponseReturnValue:
    """One page of actions that fit the filter in the URL."""
    filters = {name: request.args.get(name, "") for name in NAMES}
    wrong: BadInput | None = None
    page = HistoryPage((), None, 0)
    try:
        page = services().history.search(query_from(request.args))
    except BadInput as error:
        wrong = error
    chosen: dict[str, Any] = {name: value for name, value in filters.items() if value}
    return render_template(
        "audit/index.html",
        page=page,
        filters=filters,
        wrong=wrong,
        persons=services().history.persons(),
        kinds=services().history.kinds(),
        chosen=chosen,
        next_url=url_for(".index", **chosen, cursor=page.next_cursor) if page.next_cursor else None,
        first_url=url_for(".index", **chosen) if request.args.get("cursor") else None,
    ), 422 if wrong else 200


@blueprint.get("/history/export")
@requires(Permission.AUDIT_EXPORT)
def export() -> ResponseReturnValue:
    """All actions that fit the filter, as CSV or JSON lines; itself an action."""
    form = request.args.get("format", "csv")
    if form not in {"csv", "json"}:
        raise BadInput(f"There is no export as {form!r}; choose csv or json.", "format")
    query = query_from(request.args)
    chosen = {name: request.args[name] for name in NAMES if request.args.get(name)}
    services().journal.append(Action(Kind.AUDIT_EXPORT, current_actor(), "history", detail={"format": form, **chosen}))
    entries = services().history.everything(query)
    lines = _csv(entries) if form == "csv" else _json(entries)
    answer = Response(stream_with_context(lines), mimetype="text/csv" if form == "csv" else "application/x-ndjson")
    answer.headers["Content-Disposition"] = f"attachment; filename=history.{'csv' if form == 'csv' else 'jsonl'}"
    return answer


def _csv(entries: Iterator[Entry]) -> Iterator[str]:
    yield _csv_line(_COLUMNS)
    for entry in entries:
        actor = entry.actor
        yield _csv_line(
            (
                entry.time,
                entry.node,
                actor.name,
                actor.via,
                actor.address,
                entry.kind,
                entry.target,
                entry.outcome,
                " ".join(entry.hosts),
                entry.run_id or "",
                json.dumps(entry.detail, ensure_ascii=False) if entry.detail else "",
            )
        )


def _csv_line(values: tuple[str, ...]) -> str:
    """One line; a leading formula sign is defused, as OWASP's "CSV Injection" advises."""
    file = io.StringIO()
    csv.writer(file).writerow([f"'{value}" if value[:1] in "=+-@\t\r" and value else value for value in values])
    return file.getvalue()


def _json(entries: Iterator[Entry]) -> Iterator[str]:
    for entry in entries:
        yield json.dumps(asdict(entry), ensure_ascii=False) + "\n"
