"""The pages of runs: the list, one run, and what can be asked of it."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import Response, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue

from selfservice.accounts.permissions import Permission
from selfservice.errors import BadInput, NotFound
from selfservice.runs import results
from selfservice.runs.ansible import command_line_of
from selfservice.runs.changes import Change, readable
from selfservice.runs.compare import compare as compare_results
from selfservice.runs.folder import RunFolder
from selfservice.runs.follow import state_message
from selfservice.runs.listing import RunQuery
from selfservice.runs.run import State
from selfservice.runs.slow import is_slow
from selfservice.runs.stored_output import has_output, open_output
from selfservice.runs.terminal_text import Segment, segments
from selfservice.web.access import current_actor, current_person, require, requires
from selfservice.web.services import services

blueprint = APIBlueprint("runs", __name__, enable_openapi=False)

_ROWS = 50
_TAIL_BYTES = 16 * 1024
_TAIL_LINES = 60
_MOST_COMPARED = 1000


@blueprint.get("/runs")
@requires(Permission.RUN_READ)
def index() -> ResponseReturnValue:
    """Runs, newest first; `state`, `q` and `cursor` in the address, so that it can be shared."""
    state, text = request.args.get("state", ""), request.args.get("q", "").strip()[:200]
    cursor = request.args.get("cursor") or None
    runs = services().runs
    page = runs.list(RunQuery(_state(state), text, _ROWS, cursor))
    return render_template(
        "runs/_rows.html" if "rows" in request.args else "runs/index.html",
        page=page,
        counts=runs.counts(),
        kept={row.id for row in page.runs if runs.folder(row.id).keep.exists()},
        slow={row.id for row in page.runs if row.state is State.RUNNING and runs.folder(row.id).slow.exists()},
        states=list(State),
        state=state,
        text=text,
        cursor=cursor,
        may_launch=current_person().may(Permission.COMMAND_LAUNCH),
    )


def _state(name: str) -> State | None:
    if not name:
        return None
    try:
        return State(name)
    except ValueError:
        raise BadInput(f"{name!r} is not a state of a run.", "state") from None


@blueprint.get("/runs/<run_id>")
@requires(Permission.RUN_READ)
def show(run_id: str) -> ResponseReturnValue:
    """One run: where it stands, its output, hosts, timeline, changes and details."""
    runs = services().runs
    run, status = runs.get(run_id)
    folder = runs.folder(run_id)
    found = results.of(folder)
    person = current_person()

    def may(permission: Permission) -> bool:
        return person.may(permission) and runs.may(permission, run)

    now, usual = state_message(status, runs.position(run_id)), runs.usual(run)
    return render_template(
        "runs/show.html",
        run=run,
        status=status,
        now=now,
        usual=usual,
        slow=not status.state.ended and is_slow(now["elapsed"], usual),
        recap=[found.hosts[name] for name in sorted(found.hosts)],
        changes=readable(found),
        tail=_tail(folder),
        files=_files(folder),
        command_line=command_line_of(folder, run),
        previous=runs.previous(run),
        kept=folder.keep.exists(),
        may_keep=may(Permission.RUN_KEEP),
        may_cancel=may(Permission.RUN_CANCEL),
        may_launch=run.can_be_repeated
        and may(Permission.OPERATION_LAUNCH if run.request.operation else Permission.COMMAND_LAUNCH),
        may_download=may(Permission.RUN_DOWNLOAD),
        may_read_audit=may(Permission.AUDIT_READ),
    )


@blueprint.get("/runs/<run_id>/changes")
@requires(Permission.RUN_READ)
def changes(run_id: str) -> ResponseReturnValue:
    """The changes alone, for a page that stays open while they happen."""
    runs = services().runs
    runs.get(run_id)
    found: list[Change] = readable(results.of(runs.folder(run_id)))
    return render_template("runs/_changes.html", changes=found)


@blueprint.post("/runs/<run_id>/cancel")
@requires(Permission.RUN_CANCEL)
def cancel(run_id: str) -> ResponseReturnValue:
    """Ask for the end of a run."""
    services().runs.cancel(run_id, current_actor())
    flash("The run is being canceled.", "success")
    return redirect(url_for("runs.show", run_id=run_id))


@blueprint.post("/runs/<run_id>/keep")
@requires(Permission.RUN_KEEP)
def keep(run_id: str) -> ResponseReturnValue:
    """Keep it for good, or no longer: `keep` is yes or no."""
    if request.form.get("keep") == "yes":
        services().runs.keep(run_id, current_actor())
        flash("This run is kept until somebody lets it go.", "success")
    else:
        services().runs.let_go(run_id, current_actor())
        flash("This run is kept as long as others are.", "success")
    return redirect(url_for("runs.show", run_id=run_id), 303)


@blueprint.post("/runs/<run_id>/again")
@requires(Permission.COMMAND_LAUNCH)
def again(run_id: str) -> ResponseReturnValue:
    """Queue the same once more; `only=failed` for the hosts where it failed."""
    require(Permission.RUN_READ)
    run, _ = services().runs.get(run_id)
    if run.request.operation and run.can_be_repeated:
        return redirect(url_for("operations.again", name=run.request.operation, run_id=run_id), 307)
    return redirect(url_for("commands.again", run_id=run_id), 307)


@blueprint.get("/runs/<run_id>/download")
@requires(Permission.RUN_DOWNLOAD)
def download(run_id: str) -> ResponseReturnValue:
    """The whole output as Ansible printed it."""
    runs = services().runs
    runs.get(run_id)
    path = runs.folder(run_id).stdout
    if not has_output(path):
        raise NotFound("This run has printed nothing (yet), so there is nothing to download.")
    runs.record_download(run_id, current_actor())
    file = open_output(path)
    size = file.seek(0, 2)
    file.seek(0)
    answer: Response = send_file(file, "text/plain", as_attachment=True, download_name=f"{run_id}.txt")
    answer.content_length = size
    return answer


@blueprint.get("/runs/<run_id>/compare/<other_id>")
@requires(Permission.RUN_READ)
def compare(run_id: str, other_id: str) -> ResponseReturnValue:
    """Two runs side by side, task by task on each host; `show=all` with what is the same."""
    before, after = (_side(each) for each in (other_id, run_id))
    compared = compare_results(before["results"], after["results"])
    show_all = request.args.get("show") == "all"
    rows = compared.rows if show_all else compared.differences
    return render_template(
        "runs/compare.html",
        before=before,
        after=after,
        counts=compared.counts,
        rows=rows[:_MOST_COMPARED],
        left_out=max(0, len(rows) - _MOST_COMPARED),
        show_all=show_all,
    )


def _side(run_id: str) -> dict[str, Any]:
    runs = services().runs
    run, status = runs.get(run_id)
    folder = runs.folder(run_id)
    return {
        "run": run,
        "status": status,
        "now": state_message(status, None),
        "results": results.of(folder),
        "tail": _tail(folder),
    }


def _tail(folder: RunFolder) -> list[list[Segment]]:
    """The last lines as segments, for browsers without scripts; reads a few KiB of any output."""
    try:
        file = open_output(folder.stdout)
    except FileNotFoundError:
        return []
    with file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _TAIL_BYTES))
        lines = file.read().splitlines()
    whole = lines if size <= _TAIL_BYTES else lines[1:]
    return [segments(line) for line in whole[-_TAIL_LINES:]]


def _files(folder: RunFolder) -> list[tuple[str, int]]:
    return sorted((each.name, each.stat().st_size) for each in folder.path.iterdir() if each.is_file())
