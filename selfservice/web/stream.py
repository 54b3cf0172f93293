"""The one stream of a page: alerts, run states, and all about the run it shows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from apiflask import APIBlueprint, Schema
from apiflask.fields import String
from flask import Response

from selfservice.accounts.permissions import Permission
from selfservice.alerts.alerts import Alerts
from selfservice.calls.follow import CallFollower
from selfservice.health.fleet import Fleet
from selfservice.nodes.inventory import Inventory, InventoryError
from selfservice.runs.follow import Follower
from selfservice.runs.runs import Runs
from selfservice.runs.watching import LOOK_SECONDS as RUN_LOOK_SECONDS
from selfservice.scope import Sight
from selfservice.web import live
from selfservice.web.access import current_person, require, requires
from selfservice.web.events import event_stream
from selfservice.web.live import Board, Topic
from selfservice.web.openapi import sent_as
from selfservice.web.services import services
from selfservice.web.viewer import Viewer, current_viewer

blueprint = APIBlueprint("stream", __name__, url_prefix="/api/v1", tag="Live")

_SIGN_OF_LIFE_SECONDS = 10
#: The topics of the board, each with the right to see it.
_TOPICS = {
    "alerts": Permission.ALERT_READ,
    "runs": Permission.RUN_READ,
    "nodes": Permission.HOST_READ,
    "requests": Permission.REQUEST_READ,
}


class StreamQuery(Schema):
    """What to follow beside what every page follows."""

    run = String(load_default="", metadata={"description": "The id of a run, for all that its own stream tells."})
    call = String(load_default="", metadata={"description": "The id of a call, for each answer that comes."})


class AlertsTopic:
    """The open alerts of a person."""

    personal = True

    def __init__(self, alerts: Alerts) -> None:
        """Look into `alerts`."""
        self._alerts = alerts

    def version(self) -> object:
        """Differs when an alert came or went, for anybody."""
        return self._alerts.version()

    def news(self, person: str, sight: Sight) -> dict[str, Any]:
        """All open alerts of this person."""
        return {"open": [asdict(alert) for alert in self._alerts.seen_by(sight).open_for(person)]}


class RunsTopic:
    """How many runs are in each state."""

    personal = False

    def __init__(self, runs: Runs) -> None:
        """Look into `runs`."""
        self._runs = runs

    def version(self) -> object:
        """Differs when a run came, went on or went."""
        return self._runs.index.version()

    def news(self, person: str, sight: Sight) -> dict[str, Any]:
        """The counts, and which runs go on; the same for everybody who sees the same."""
        runs = self._runs.seen_by(sight)
        return {"counts": runs.counts(), "running": runs.running()}


class NodesTopic:
    """The hosts there are, and how the nodes are."""

    personal = False

    def __init__(self, inventory: Inventory, health: Fleet) -> None:
        """Look into `inventory` and `health`."""
        self._inventory = inventory
        self._health = health

    def version(self) -> object:
        """Differs when a file of the inventory or the state of a node changed."""
        return self._inventory_version(), self._health.version()

    def news(self, person: str, sight: Sight) -> dict[str, Any]:
        """The names of all hosts, None where the inventory cannot be read now; nodes by state, and what changed."""
        health = self._health.news(sight)
        try:
            return {"hosts": [host.name for host in self._inventory.seen_by(sight).hosts()], "health": health}
        except InventoryError as error:
            return {"hosts": None, "trouble": error.sentence, "health": health}

    def _inventory_version(self) -> object:
        """Nodes have a health whatever is wrong with the inventory."""
        try:
            return self._inventory.version()
        except InventoryError as error:
            return error.sentence


def board(alerts: Alerts, runs: Runs, inventory: Inventory, health: Fleet, requests: Topic) -> Board:
    """The board of a dashboard."""
    nodes = NodesTopic(inventory, health)
    return Board({"alerts": AlertsTopic(alerts), "runs": RunsTopic(runs), "nodes": nodes, "requests": requests})


@blueprint.get("/stream")
@requires(Permission.HOME_VIEW)
@blueprint.input(StreamQuery, location="query")
@blueprint.doc(summary="Follow what every page shows", responses=sent_as("text/event-stream", "Events as they happen"))
def stream(query_data: dict[str, str]) -> Response:
    """Server-sent events `alerts`, `runs`, `nodes`, `requests`, as far as they may be seen, and `alive`.

    With `run` also `state`, `output`, `result`, `end`; with `call` also `call`. It ends when
    the rights of whoever follows it change.
    """
    person = current_person()
    followers: list[Follower | CallFollower] = []
    if query_data["run"]:
        require(Permission.RUN_READ)
        followers.append(Follower(services().runs, query_data["run"]))
    if query_data["call"]:
        require(Permission.CALL_SEND)
        followers.append(CallFollower(services().calls, query_data["call"]))
    topics = [name for name, permission in _TOPICS.items() if person.may(permission)]
    events = _events(current_viewer(), services().board, topics, followers)
    return event_stream(events)


def _events(
    viewer: Viewer, followed: Board, topics: list[str], followers: list[Follower | CallFollower]
) -> Iterator[tuple[str, dict[str, Any]]]:
    seen: dict[str, int] = {}
    quiet_since = looked_at = time.monotonic()
    with followed.listening():
        while True:
            if time.monotonic() - looked_at > _SIGN_OF_LIFE_SECONDS:
                looked_at = time.monotonic()
                if not viewer.unchanged():
                    return
            news = [*followed.news(viewer.name, viewer.sight, seen, topics), *_news_of(followers)]
            yield from news
            if news:
                quiet_since = time.monotonic()
            elif time.monotonic() - quiet_since > _SIGN_OF_LIFE_SECONDS:
                yield "alive", {}
                quiet_since = time.monotonic()
            following = any(isinstance(each, Follower) and not each.over for each in followers)
            time.sleep(RUN_LOOK_SECONDS if following else live.LOOK_SECONDS)


def _news_of(followers: list[Follower | CallFollower]) -> Iterator[tuple[str, dict[str, Any]]]:
    for each in followers:
        if isinstance(each, CallFollower):
            yield from each.look()
        elif not each.over:
            yield from ((message.kind, message.data) for message in each.look())
