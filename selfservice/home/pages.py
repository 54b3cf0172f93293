"""The first page, and the search that jumps from anywhere to anywhere."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import jsonify, render_template, request, url_for
from flask.typing import ResponseReturnValue

from selfservice.accounts.permissions import Permission
from selfservice.home.deeds import DEEDS
from selfservice.home.figures import FIGURES, hosts
from selfservice.home.panels import panels_for
from selfservice.runs.listing import RunQuery
from selfservice.web.access import current_person, requires
from selfservice.web.frame import open_pages, state_of
from selfservice.web.services import services
from selfservice.web.units import relative_time

blueprint = APIBlueprint("home", __name__, enable_openapi=False)

#: What a newcomer runs first.
EXAMPLE_COMMAND = "df -h /"
_FOUND_OF_A_KIND = 6


@blueprint.get("/")
@requires(Permission.HOME_VIEW)
def index() -> ResponseReturnValue:
    """The panels that this person's permissions bring."""
    person, seen = current_person(), services()
    shown = [(each.name, FIGURES[each.name](seen, person)) for each in panels_for(person.may)]
    return render_template(
        "home/index.html",
        panels=[(name, figures) for name, figures in shown if figures is not None],
        may=person.may,
        Permission=Permission,
        example=EXAMPLE_COMMAND,
        deeds=DEEDS,
    )


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
    if not text or not current_person().may(Permission.OPERATION_ASK):
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
    page = "commands.index" if current_person().may(Permission.COMMAND_LAUNCH) else "hosts.index"
    return [
        {"title": host.name, "kind": "Host", "url": url_for(page, hosts=host.name)}
        for host in hosts(services(), current_person())["hosts"]
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
