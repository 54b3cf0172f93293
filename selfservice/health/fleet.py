"""The health of all nodes, as pages and programs ask for it."""

from __future__ import annotations

import copy
import threading
import time
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from selfservice.health.changes import Changes
from selfservice.health.heartbeat import Heartbeat
from selfservice.health.latest import Heard, Latest
from selfservice.health.standings import Standings
from selfservice.health.state import WORST_FIRST, Health, Standing, WatchedNode
from selfservice.health.thresholds import Thresholds, ThresholdsFile
from selfservice.health.watch import Nodes
from selfservice.nodes.nodes import NodeNotFound
from selfservice.scope import EVERYTHING, Scope, Sight, sees

#: What a node that is not watched shows in place of a state.
DISABLED = "disabled"
#: How the states are ordered: what needs somebody comes first.
ORDER = (*(state.value for state in WORST_FIRST), DISABLED)
ON_A_PAGE = 48
_MOST_NEWS = 50
#: Everybody who listens to news looks no more often than that.
_LOOK_SECONDS = 1.0


@dataclass(frozen=True)
class NodeHealth:
    """How one node is."""

    node: WatchedNode
    #: None where it was never judged.
    standing: Standing | None
    latest: Latest

    @property
    def name(self) -> str:
        """Its name."""
        return self.node.name

    @property
    def state(self) -> str:
        """One word of `ORDER`."""
        if not self.node.enabled:
            return DISABLED
        return (self.standing.state if self.standing else Health.UNKNOWN).value

    @property
    def since(self) -> datetime | None:
        """Since when."""
        return self.standing.since if self.standing and self.node.enabled else None

    @property
    def why(self) -> tuple[str, ...]:
        """Sentences; none for a healthy node."""
        if not self.node.enabled:
            return ("It is not watched while it is not enabled.",)
        return self.standing.why if self.standing else ("Nobody has judged it yet.",)

    @cached_property
    def heard(self) -> Heard | None:
        """What was heard of it last; read when somebody asks, because few of many nodes are on a page."""
        return self.latest.get(self.name)

    @property
    def heard_at(self) -> datetime | None:
        """When it was heard last."""
        return self.heard.received_at if self.heard else None

    @property
    def heartbeat(self) -> Heartbeat | None:
        """What it said last."""
        return self.heard.heartbeat if self.heard else None


@dataclass(frozen=True)
class FleetQuery:
    """What a page of nodes shows, problems first."""

    text: str = ""
    state: str = ""
    page: int = 1


@dataclass(frozen=True)
class FleetPage:
    """One page of nodes."""

    nodes: tuple[NodeHealth, ...]
    #: How many nodes there are in each state, and how many fit the query.
    counts: dict[str, int]
    total: int
    number: int
    pages: int


class Fleet:
    """All nodes of a master; safe under many threads."""

    def __init__(self, folder: Path, thresholds: ThresholdsFile, nodes: Nodes) -> None:
        """Read from `folder`; `nodes` says which there are."""
        self.latest = Latest(folder)
        self.history = self.latest.history
        self.changes = Changes(folder)
        self.thresholds = thresholds
        self.nodes = nodes
        self._standings = Standings(folder)
        self._lock = threading.Lock()
        self._looked_at: float | None = None
        self._seen: list[NodeHealth] = []
        self._sight: Sight = EVERYTHING

    def seen_by(self, sight: Sight) -> Fleet:
        """The same for somebody: a node that they do not see as a host is not there."""
        bound = copy.copy(self)
        bound._sight = sight
        return bound

    def all(self) -> list[NodeHealth]:
        """Every node, problems first and then by name."""
        standings = self._standings.all()
        found = []
        for node in filter(self._sees, self.nodes()):
            kept = standings.get(node.name)
            found.append(NodeHealth(node, kept.standing if kept else None, self.latest))
        return sorted(found, key=lambda each: (ORDER.index(each.state), each.name))

    def get(self, name: str) -> NodeHealth:
        """One node. Raises NodeNotFound."""
        for node in filter(self._sees, self.nodes()):
            if node.name == name:
                kept = self._standings.get(name)
                return NodeHealth(node, kept.standing if kept else None, self.latest)
        raise NodeNotFound(f"There is no node {name[:64]!r} (any more).")

    def limits_of(self, node: WatchedNode) -> Thresholds:
        """From where on this node counts as degraded, late or down."""
        return self.thresholds.of(node.name, node.groups)

    def page(self, query: FleetQuery) -> FleetPage:
        """One page of the nodes that fit; the last one where there are not so many."""
        every = self.all()
        words = query.text.lower().split()
        fit = [
            each
            for each in every
            if query.state in ("", each.state)
            and all(word in " ".join([each.name, *each.node.groups]).lower() for word in words)
        ]
        pages = max(1, -(-len(fit) // ON_A_PAGE))
        number = min(max(1, query.page), pages)
        shown = tuple(fit[(number - 1) * ON_A_PAGE : number * ON_A_PAGE])
        return FleetPage(shown, counts(every), len(fit), number, pages)

    def version(self) -> object:
        """Differs whenever a node came, went or changed its state."""
        return hash(tuple((each.name, each.state, each.since) for each in self._look()))

    def news(self, sight: Sight) -> dict[str, Any]:
        """How many nodes that `sight` sees are in each state, and those that changed last, newest first."""
        nodes = [each for each in self._look() if sees(sight, Scope(hosts=(each.name,)))]
        latest = sorted((each for each in nodes if each.since), key=lambda each: str(each.since), reverse=True)
        changed = [
            {"name": each.name, "state": each.state, "since": each.since.isoformat()}
            for each in latest[:_MOST_NEWS]
            if each.since
        ]
        return {"counts": counts(nodes), "changed": changed}

    def _sees(self, node: WatchedNode) -> bool:
        return sees(self._sight, Scope(hosts=(node.name,)))

    def _look(self) -> list[NodeHealth]:
        with self._lock:
            now = time.monotonic()
            if self._looked_at is None or now - self._looked_at >= _LOOK_SECONDS:
                self._seen = self.all()
                self._looked_at = now
            return self._seen


def counts(nodes: list[NodeHealth]) -> dict[str, int]:
    """How many are in each state, those without any included."""
    found = Counter(each.state for each in nodes)
    return {state: found[state] for state in ORDER}
