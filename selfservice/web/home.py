"""The first page, and the search that jumps from anywhere to anywhere."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import jsonify, render_template, request, url_for
from flask.typing import ResponseReturnValue

from selfservice.accounts.permissions import Permission
from selfservice.audit.history import HistoryQuery
from selfservice.errors import ApplicationError
from selfservice.health.state import Health
from selfservice.runs.index import RunQuery
from selfservice.runs.run import State
from selfservice.web.access import current_person, requires
from selfservice.web.frame import open_pages, state_of
from selfservice.web.services import services
from selfservice.web.units import relative_time

blueprint = APIBlueprint("home", __name__, enable_openapi=False)

#: What a newcomer runs first.
EXAMPLE_COMMAND = "df -h /"
_LATEST = 5
_FOUND_OF_A_KIND = 6
_OFFERED = 8
_LOOKED_THROUGH = 100
#: States of a node that somebody should look at.
_TROUBLED = (Health.DOWN, Health.DEGRADED, Health.LATE)


@blueprint.get("/")
@requires(Permission.HOME_VIEW)
def index() -> ResponseReturnValue:
    """One card an area: what is going on, what needs somebody, what to do next."""
    may = current_person().may
    return render_template(
        "home/index.html",
        runs=_runs() if may(Permission.RUN_READ) else None,
        operations=_operations() if may(Permission.OPERATION_LAUNCH) else None,
        requests=services().approvals.reading.waiting_for(current_person()),
        hosts=_hosts() if may(Permission.HOST_READ) else None,
        nodes=_nodes() if may(Permission.NODE_READ) else None,
        actions=_actions() if may(Permission.AUDIT_READ) else None,
        may_launch=may(Permission.COMMAND_LAUNCH),
        example=EXAMPLE_COMMAND,
    )


def _runs() -> dict[str, Any]:
    runs = services().runs
    counts = runs.counts()
    return {
        "running": counts[State.RUNNING],
        "queued": counts[State.QUEUED],
        "failed_today": counts["failed_today"],
        "latest": runs.list(RunQuery(limit=_LATEST)).runs,
    }


def _operations() -> dict[str, Any]:
    """How many there are, and those this person is likely to want: used lately, then the first ones."""
    person = current_person()
    visible = {each.name: each for each in services().operations.visible(person) if each.launchable}
    latest = services().runs.list(RunQuery(text=person.name, limit=_LOOKED_THROUGH)).runs
    used = [row.operation for row in latest if row.person == person.name and row.operation in visible]
    names = list(dict.fromkeys([*used, *visible]))[:_OFFERED]
    return {"total": len(visible), "offered": [visible[name] for name in names]}


def _hosts() -> dict[str, Any]:
    """Hosts and groups, or in `trouble` the sentence why the inventory cannot be read."""
    inventory = services().inventory
    try:
        groups = [group for group in inventory.groups() if group.name not in {"all", "ungrouped"}]
        return {"hosts": inventory.hosts(), "groups": groups, "trouble": ""}
    except ApplicationError as error:
        return {"hosts": [], "groups": [], "trouble": error.sentence}


def _nodes() -> dict[str, Any]:
    """How many nodes there are and are well, and the first of those that are not."""
    every = services().health.all()
    watched = [node for node in every if node.node.enabled]
    return {
        "total": len(watched),
        "healthy": sum(node.state == Health.HEALTHY for node in watched),
        "troubled": [node for node in watched if node.state in _TROUBLED][:_LATEST],
    }


def _actions() -> list[Any]:
    return list(services().history.search(HistoryQuery(limit=_LATEST)).entries)


@blueprint.get("/search")
@requires(Permission.HOME_VIEW)
def search() -> ResponseReturnValue:
    """Pages, operations, hosts and runs with the words of `q`: JSON for Ctrl+K, a page where scripts are off."""
    text = request.args.get("q", "").strip()[:200]
    found = [
        each
        for look in (_found_pages, _found_operations, _found_nodes, _found_hosts, _found_runs)
        for each in look(text)
    ]
    if request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html":
        return render_template("home/search.html", text=text, found=found)
    return jsonify(found)


def _found_pages(text: str) -> list[dict[str, str]]:
    words = text.lower().split()
    return [
        {"title": page.title, "kind": page.about, "url": url_for(page.endpoint)}
        for page in open_pages()
        if all(word in f"{page.title} {page.group} {page.about}".lower() for word in words)
    ]


def _found_operations(text: str) -> list[dict[str, str]]:
    if not text or not current_person().may(Permission.OPERATION_LAUNCH):
        return []
    return [
        {"title": each.title, "kind": "Operation", "url": url_for("operations.show", name=each.name)}
        for each in services().operations.visible(current_person())
        if text.lower() in f"{each.title} {each.name}".lower()
    ][:_FOUND_OF_A_KIND]


def _found_nodes(text: str) -> list[dict[str, str]]:
    if not text or not current_person().may(Permission.NODE_READ):
        return []
    return [
        {"title": name, "kind": "Node", "url": url_for("fleet_health.show", name=name)}
        for name, _ in services().nodes.names()
        if text.lower() in name
    ][:_FOUND_OF_A_KIND]


def _found_hosts(text: str) -> list[dict[str, str]]:
    if not text or not current_person().may(Permission.HOST_READ):
        return []
    return [
        {"title": host.name, "kind": "Host", "url": url_for("commands.index", hosts=host.name)}
        for host in _hosts()["hosts"]
        if text.lower() in host.name.lower()
    ][:_FOUND_OF_A_KIND]


def _found_runs(text: str) -> list[dict[str, str]]:
    if not current_person().may(Permission.RUN_READ):
        return []
    page = services().runs.list(RunQuery(text=text, limit=_FOUND_OF_A_KIND))
    return [
        {
            "title": row.title,
            "kind": f"{state_of(row.state.value).word} · {row.hosts} · {relative_time(row.queued_at)}",
            "url": url_for("runs.show", run_id=row.id),
        }
        for row in page.runs
    ]
