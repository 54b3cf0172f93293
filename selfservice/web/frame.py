"""What every page has around it: navigation, theme, version, and the words templates use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from flask import Flask, current_app, request, url_for
from flask_login import current_user

from selfservice.accounts.permissions import Permission
from selfservice.version import version
from selfservice.web import units
from selfservice.web.access import current_person
from selfservice.web.icons import icon
from selfservice.web.services import services

THEMES = ("dark", "light")


@dataclass(frozen=True)
class Page:
    """One entry of the navigation."""

    group: str
    title: str
    endpoint: str
    icon: str
    permission: Permission
    #: What a person finds there, in a few words: for the search.
    about: str
    #: Further blueprints whose pages belong to it.
    also: tuple[str, ...] = ()


PAGES = (
    Page("Operate", "Operations", "operations.index", "grid", Permission.OPERATION_ASK,
         "What a team may ask of its hosts"),
    Page("Operate", "Commands", "commands.index", "terminal", Permission.COMMAND_LAUNCH,
         "Run a command on hosts"),
    Page("Operate", "Runs", "runs.index", "play-circle", Permission.RUN_READ, "What runs and what has run"),
    Page("Operate", "Requests", "requests.index", "clipboard-check", Permission.REQUEST_READ,
         "What waits for approval, and what became of it"),
    Page("Operate", "Schedules", "schedules.index", "calendar-week", Permission.SCHEDULE_READ,
         "What runs at which times, and when it is held back"),
    Page("Operate", "Files", "files.index", "file-earmark-code", Permission.FILE_READ,
         "Look at and change files of repositories", also=("edits",)),
    Page("Operate", "API calls", "calls.index", "broadcast", Permission.CALL_SEND,
         "Send a task to many nodes at once"),
    Page("Fleet", "Nodes", "nodes.index", "diagram-3", Permission.NODE_READ,
         "The machines that run this program, and their tokens"),
    Page("Fleet", "Hosts", "hosts.index", "hdd-network", Permission.HOST_READ,
         "The inventory: groups and hosts"),
    Page("Fleet", "Health", "fleet_health.index", "heart-pulse", Permission.HOST_READ,
         "How the nodes are: processors, memory, disks, clocks"),
    Page("Fleet", "Projects", "projects.index", "collection", Permission.PROJECT_READ,
         "What belongs together: hosts, operations, secrets, access", also=("project_notifications",)),
    Page("Records", "Alerts", "alerts.index", "bell", Permission.ALERT_READ, "Messages for you"),
    Page("Records", "History", "audit.index", "clock-history", Permission.AUDIT_READ, "Who did what, when"),
    Page("Records", "API docs", "openapi.docs", "braces", Permission.HOME_VIEW, "The JSON API of this node"),
    Page("Admin", "People", "people.index", "people", Permission.PERSON_READ, "Who may sign in, and as what"),
    Page("Admin", "Teams", "teams.index", "people-fill", Permission.PERSON_READ, "People who get access together"),
    Page("Admin", "Access", "access.index", "grid-3x3", Permission.PROJECT_EDIT,
         "Who has which access to which project"),
    Page("Admin", "Roles", "roles.index", "person-badge", Permission.PERSON_READ, "What people may do"),
    Page("Admin", "Security", "security.index", "shield-lock", Permission.SECURITY_EDIT,
         "How people sign in: sessions, second factor, sign-up, providers, groups", also=("groups",)),
    Page("Admin", "Repositories", "repositories.index", "git", Permission.REPOSITORY_EDIT,
         "Where files are kept, and by which credentials"),
)  # fmt: skip


@dataclass(frozen=True)
class State:
    """How a state is shown: never by its colour alone."""

    word: str
    icon: str
    tone: str


STATES = {
    "queued": State("Queued", "hourglass-split", "waiting"),
    "running": State("Running", "arrow-repeat", "running"),
    "successful": State("Successful", "check-circle-fill", "good"),
    "failed": State("Failed", "x-circle-fill", "bad"),
    "canceled": State("Canceled", "slash-circle", "muted"),
    "timed_out": State("Timed out", "alarm-fill", "bad"),
    "lost": State("Lost", "question-diamond-fill", "warn"),
    "ok": State("OK", "check-circle-fill", "good"),
    "changed": State("Changed", "pencil-fill", "changed"),
    "unreachable": State("Unreachable", "plug-fill", "bad"),
    "skipped": State("Skipped", "skip-forward-fill", "muted"),
    "alert_info": State("Info", "info-circle-fill", "running"),
    "alert_success": State("Good news", "check-circle-fill", "good"),
    "alert_warning": State("Warning", "exclamation-triangle-fill", "warn"),
    "alert_error": State("Error", "x-octagon-fill", "bad"),
    "sending": State("Sending", "send", "running"),
    "later": State("Answers later", "clock-history", "running"),
    "revoked": State("Shut out", "shield-fill-x", "warn"),
    "healthy": State("Healthy", "check-circle-fill", "good"),
    "degraded": State("Degraded", "exclamation-triangle-fill", "warn"),
    "late": State("Late", "clock-fill", "changed"),
    "down": State("Down", "x-octagon-fill", "bad"),
    "unknown": State("Unknown", "question-circle-fill", "muted"),
    "disabled": State("Not watched", "pause-circle", "muted"),
    "edit_open": State("Open", "pencil-fill", "changed"),
    "edit_requested": State("Pull request", "git", "running"),
    "edit_merged": State("Merged", "check-circle-fill", "good"),
    "edit_discarded": State("Discarded", "trash", "muted"),
    "inactive": State("Out of use", "person-slash", "muted"),
    "expired": State("Expired", "clock-history", "muted"),
    "refused": State("Refused", "shield-fill-x", "warn"),
    "delivery_due": State("Due", "hourglass-split", "waiting"),
    "delivery_sending": State("Sending", "send", "running"),
    "delivery_sent": State("Sent", "check-circle-fill", "good"),
    "delivery_given_up": State("Given up", "x-circle-fill", "bad"),
    "waiting": State("Waiting", "hourglass-split", "waiting"),
    "approved": State("Approved", "check-circle", "running"),
    "launched": State("Launched", "check-circle-fill", "good"),
    "rejected": State("Rejected", "hand-thumbs-down-fill", "bad"),
    "withdrawn": State("Withdrawn", "arrow-counterclockwise", "muted"),
}


def register(app: Flask) -> None:
    """Give the templates of `app` their globals, filters and frame."""
    app.jinja_env.globals.update(icon=icon, state_of=state_of, STATES=STATES, against_usual=units.against_usual)
    app.jinja_env.filters.update(
        duration=units.duration,
        seconds_between=units.seconds_between,
        binary_size=units.binary_size,
        relative_time=units.relative_time,
        time_until=units.time_until,
        exact_time=units.exact_time,
    )
    app.context_processor(_frame)


def state_of(name: str) -> State:
    """How the state `name` is shown; an unknown one shows its own name."""
    return STATES.get(name, State(str(name).replace("_", " ").capitalize(), "circle", "muted"))


def open_pages() -> list[Page]:
    """The pages that this node has and this person may open."""
    if not current_user.is_authenticated:
        return []
    person = current_person()
    known = current_app.view_functions
    return [page for page in PAGES if page.endpoint in known and person.may(page.permission)]


@dataclass(frozen=True)
class Link:
    """An entry of the navigation as the template draws it."""

    title: str
    icon: str
    url: str
    here: bool


def _link(page: Page) -> Link:
    blueprint = page.endpoint.partition(".")[0]
    here = request.blueprint in (blueprint, *page.also) or page.endpoint == request.endpoint
    return Link(page.title, page.icon, url_for(page.endpoint), here)


def _frame() -> dict[str, Any]:
    settings = services().settings
    theme = request.cookies.get("theme", "")
    return {
        "navigation": [
            (group, [_link(page) for page in pages])
            for group, pages in groupby(open_pages(), key=lambda page: page.group)
        ],
        "theme": theme if theme in THEMES else "",
        "version": version(),
        "node_name": settings.node_name,
        "node_type": settings.node_type.value.lower(),
        "server_now": datetime.now().astimezone(),
        "signed_in": bool(current_user.is_authenticated),
        "open_alerts": len(services().alerts.open_for(current_person().name)) if current_user.is_authenticated else 0,
        "requests_for_me": len(services().approvals.reading.waiting_for(current_person()))
        if current_user.is_authenticated
        else 0,
        "person_name": current_person().name if current_user.is_authenticated else "",
    }
