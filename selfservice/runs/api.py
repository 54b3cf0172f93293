"""JSON routes of runs: list, look, follow, cancel."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import asdict
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from apiflask import APIBlueprint, Schema
from apiflask.fields import Integer, String
from apiflask.validators import Length, OneOf, Range
from flask import Response, url_for

from selfservice.accounts.permissions import Permission
from selfservice.runs import results
from selfservice.runs.ansible import command_line_of
from selfservice.runs.compare import compare
from selfservice.runs.follow import elapsed, follow, state_message
from selfservice.runs.listing import RunQuery
from selfservice.runs.output import LineIndex
from selfservice.runs.run import Run, State
from selfservice.runs.slow import is_slow
from selfservice.runs.stored_output import has_output, open_output
from selfservice.runs.terminal_text import segments
from selfservice.web.access import current_actor, requires
from selfservice.web.events import event_stream
from selfservice.web.openapi import sent_as
from selfservice.web.services import services
from selfservice.web.viewer import current_viewer

blueprint = APIBlueprint("runs_api", __name__, url_prefix="/api/v1", tag="Runs")

_MOST_LINES = 500
_MOST_BYTES = 1024 * 1024
_OPEN_INDEXES = 32


class IdempotencyHeader(Schema):
    """A header that makes a launch at-most-once."""

    key = String(
        data_key="Idempotency-Key",
        load_default="",
        metadata={"description": "The same key within 24 hours gives the run of the first call, no second one."},
    )


class Launched(Schema):
    """A run that was accepted."""

    id = String()
    request = Integer(metadata={"description": "Instead of `id`: the request that waits for approval."})
    state = String()
    url = String(metadata={"description": "Its page."})


def launched(run: Run) -> tuple[dict[str, str], int, dict[str, str]]:
    """The answer to whoever launched `run`."""
    _, status = services().runs.get(run.id)
    url, location = url_for("runs.show", run_id=run.id), url_for("runs_api.show_run", run_id=run.id)
    return {"id": run.id, "state": status.state.value, "url": url}, 201, {"Location": location}


class ListQuery(Schema):
    """Filter and page of the list of runs."""

    state = String(validate=OneOf([state.value for state in State]), metadata={"description": "Only runs in it."})
    q = String(load_default="", validate=Length(max=200), metadata={"description": "Words in title, hosts, person."})
    limit = Integer(load_default=50, validate=Range(1, 500))
    cursor = String(metadata={"description": "`next_cursor` of the page before."})


class OutputQuery(Schema):
    """A range of bytes of the output."""

    offset = Integer(load_default=0, validate=Range(min=0))
    limit = Integer(load_default=65536, validate=Range(1, _MOST_BYTES))


class LinesQuery(Schema):
    """A range of lines of the output; a negative start counts from the end."""

    start = Integer(load_default=0)
    count = Integer(load_default=100, validate=Range(1, _MOST_LINES))


class FindQuery(Schema):
    """What to look for in the output, from which line on, which way."""

    q = String(required=True, validate=Length(1, 200))
    start = Integer(load_default=-1)
    direction = String(load_default="next", validate=OneOf(["next", "previous"]))


class EventsQuery(Schema):
    """Events behind the one with counter `after`."""

    after = Integer(load_default=0, validate=Range(min=0))
    limit = Integer(load_default=500, validate=Range(1, 5000))


@blueprint.get("/runs")
@requires(Permission.RUN_READ)
@blueprint.input(ListQuery, location="query")
@blueprint.doc(summary="List runs, newest first")
def list_runs(query_data: dict[str, Any]) -> dict[str, Any]:
    """One page of runs, `next_cursor` for the next one, and how many there are in all."""
    state = query_data.get("state")
    page = services().runs.list(
        RunQuery(State(state) if state else None, query_data["q"], query_data["limit"], query_data.get("cursor"))
    )
    return {"runs": [asdict(row) for row in page.runs], "next_cursor": page.next_cursor, "total": page.total}


@blueprint.get("/runs/<run_id>")
@requires(Permission.RUN_READ)
@blueprint.doc(summary="Look at one run")
def show_run(run_id: str) -> dict[str, Any]:
    """What was asked, by whom, where it stands, how its hosts fared, the same in a terminal."""
    runs = services().runs
    run, status = runs.get(run_id)
    found = results.of(runs.folder(run_id))
    usual = runs.usual(run)
    return {
        **run.to_json(),
        **state_message(status, runs.position(run_id)),
        "title": run.request.title,
        "rc": status.rc,
        "recap": [recap.to_json() for recap in found.hosts.values()],
        "command_line": command_line_of(runs.folder(run_id), run),
        "slow": not status.state.ended and is_slow(elapsed(status, datetime.now(UTC)), usual),
        "usual": None if usual is None else {"median": usual.median_seconds, "p95": usual.p95_seconds},
    }


class KeepInput(Schema):
    """Why a run is to be kept."""

    why = String(load_default="", validate=Length(max=200))


@blueprint.put("/runs/<run_id>/keep")
@requires(Permission.RUN_KEEP)
@blueprint.input(KeepInput)
@blueprint.doc(summary="Keep a run for good", responses={204: "It is never removed by itself"})
def keep_run(run_id: str, json_data: dict[str, str]) -> tuple[str, int]:
    """Mark it, so that no limit of age or size removes it."""
    services().runs.keep(run_id, current_actor(), json_data["why"])
    return "", 204


@blueprint.delete("/runs/<run_id>/keep")
@requires(Permission.RUN_KEEP)
@blueprint.doc(summary="Keep a run no longer", responses={204: "It is kept as long as others"})
def let_run_go(run_id: str) -> tuple[str, int]:
    """Take the mark away."""
    services().runs.let_go(run_id, current_actor())
    return "", 204


@blueprint.post("/runs/<run_id>/cancel")
@requires(Permission.RUN_CANCEL)
@blueprint.doc(summary="Cancel a run", responses={202: "It will be ended", 409: "It has ended already"})
def cancel_run(run_id: str) -> tuple[dict[str, Any], int]:
    """Ask for the end of a run; its state says `canceled` when that is so."""
    services().runs.cancel(run_id, current_actor())
    return show_run(run_id), 202


@blueprint.get("/runs/<run_id>/output")
@requires(Permission.RUN_READ)
@blueprint.input(OutputQuery, location="query")
@blueprint.doc(summary="Read bytes of the output", responses=sent_as("text/plain", "The bytes as they are"))
def read_output(run_id: str, query_data: dict[str, int]) -> Response:
    """Bytes `offset` to `offset + limit` of what Ansible printed; X-Output-Size says how many there are."""
    runs = services().runs
    _, status = runs.get(run_id)
    path = runs.folder(run_id).stdout
    content, size = b"", 0
    if has_output(path):
        with open_output(path) as file:
            size = file.seek(0, 2)
            file.seek(min(query_data["offset"], size))
            content = file.read(query_data["limit"])
    answer = Response(content, mimetype="text/plain")
    answer.headers["X-Output-Size"] = str(size)
    answer.headers["X-Output-Ended"] = str(status.state.ended).lower()
    return answer


@blueprint.get("/runs/<run_id>/lines")
@requires(Permission.RUN_READ)
@blueprint.input(LinesQuery, location="query")
@blueprint.doc(summary="Read lines of the output, with their colours")
def read_lines(run_id: str, query_data: dict[str, int]) -> dict[str, Any]:
    """Lines as segments of plain text and CSS classes; `cut` where a line is longer than a page shows."""
    _, status = services().runs.get(run_id)
    index = _line_index(run_id)
    start = query_data["start"]
    start = max(0, index.total + start) if start < 0 else start
    lines = index.lines(start, query_data["count"])
    return {
        "start": start,
        "total": index.total,
        "size": index.size,
        "ended": status.state.ended,
        "lines": [{"segments": segments(line.content), "cut": line.cut} for line in lines],
    }


@blueprint.get("/runs/<run_id>/find")
@requires(Permission.RUN_READ)
@blueprint.input(FindQuery, location="query")
@blueprint.doc(summary="Find text in the output")
def find_in_output(run_id: str, query_data: dict[str, Any]) -> dict[str, int | None]:
    """The nearest line with the text behind (or before) line `start`, or null."""
    services().runs.get(run_id)
    backwards = query_data["direction"] == "previous"
    return {"line": _line_index(run_id).find(query_data["q"], query_data["start"], backwards=backwards)}


@blueprint.get("/runs/<run_id>/events")
@requires(Permission.RUN_READ)
@blueprint.input(EventsQuery, location="query")
@blueprint.doc(summary="Read the events of a run")
def list_events(run_id: str, query_data: dict[str, int]) -> dict[str, Any]:
    """What ansible-runner reported, in order."""
    services().runs.get(run_id)
    found: list[dict[str, Any]] = []
    for event, _ in results.events_from(services().runs.folder(run_id).events, 0):
        if event.get("counter", 0) > query_data["after"]:
            found.append(event)
        if len(found) == query_data["limit"]:
            break
    return {"events": found, "next_after": found[-1]["counter"] if found else query_data["after"]}


@blueprint.get("/runs/<run_id>/results")
@requires(Permission.RUN_READ)
@blueprint.doc(summary="What each host made of each task")
def list_results(run_id: str) -> dict[str, Any]:
    """Hosts, tasks, results, changes, and the line of the first failure."""
    services().runs.get(run_id)
    return results.of(services().runs.folder(run_id)).to_json()


@blueprint.get("/runs/<run_id>/compare/<other_id>")
@requires(Permission.RUN_READ)
@blueprint.doc(summary="Compare two runs")
def compare_runs(run_id: str, other_id: str) -> dict[str, Any]:
    """Each task on each host, before (`other_id`) and after (`run_id`), and how many of each difference."""
    runs = services().runs
    sides = []
    for each in (other_id, run_id):
        runs.get(each)
        sides.append(results.of(runs.folder(each)))
    compared = compare(*sides)
    rows = [{**asdict(row), "difference": row.difference.value} for row in compared.rows]
    return {"counts": compared.counts, "results": rows}


@blueprint.get("/runs/<run_id>/results/<int:counter>")
@requires(Permission.RUN_READ)
@blueprint.doc(summary="All that Ansible said of one result")
def show_result(run_id: str, counter: int) -> dict[str, Any]:
    """The result with event counter `counter`."""
    services().runs.get(run_id)
    return results.result_detail(services().runs.folder(run_id), counter)


@blueprint.get("/runs/<run_id>/stream")
@requires(Permission.RUN_READ)
@blueprint.doc(summary="Follow a run", responses=sent_as("text/event-stream", "Events as they happen"))
def stream_run(run_id: str) -> Response:
    """Server-sent events `state`, `output`, `result`, `alive`, `end`, beginning with where the run stands now."""
    runs = services().runs
    runs.get(run_id)
    told = ((message.kind, message.data) for message in follow(runs, run_id))
    return event_stream(current_viewer().follow(told))


_indexes: OrderedDict[str, LineIndex] = OrderedDict()
_indexes_lock = Lock()


def _line_index(run_id: str) -> LineIndex:
    """The line index of a run, grown to what its output holds now; the latest few stay in memory."""
    path = services().runs.folder(run_id).stdout
    with _indexes_lock:
        index = _indexes.setdefault(str(path), LineIndex(path))
        _indexes.move_to_end(str(path))
        if len(_indexes) > _OPEN_INDEXES:
            _indexes.popitem(last=False)
        index.grow()
        return index
