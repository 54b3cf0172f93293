"""The watch over all nodes: judges each at every tick, keeps how it stands, and tells of each change once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from selfservice.audit.actions import SYSTEM, Action, Kind
from selfservice.audit.journal import Journal
from selfservice.health.changes import Change, Changes
from selfservice.health.latest import Heard, Latest
from selfservice.health.standings import Kept, Standings
from selfservice.health.state import Health, Standing, WatchedNode, judge
from selfservice.health.thresholds import Thresholds

log = logging.getLogger(__name__)

Tell = Callable[[Change], None]
ThresholdsOf = Callable[[str, tuple[str, ...]], Thresholds]
Nodes = Callable[[], Sequence[WatchedNode]]

#: Ticks come every second; after so long without one, nobody was there to hear.
_LONGEST_PAUSE = timedelta(seconds=15)


class Watch:
    """Judges every node whenever it is told the time; one process of a master does."""

    def __init__(  # noqa: PLR0913  # each is something the watch works with
        self,
        latest: Latest,
        thresholds_of: ThresholdsOf,
        nodes: Nodes,
        tell: Tell,
        journal: Journal,
        own_node: str,
    ) -> None:
        """Judge `nodes` by what is `latest`; `tell` is called once for each change.

        While `own_node`, the master itself, is not heard, the trouble is its own: no other node is judged.
        """
        self._latest = latest
        self._thresholds_of = thresholds_of
        self._nodes = nodes
        self._tell = tell
        self._journal = journal
        self._own_node = own_node
        self._standings = Standings(latest.folder)
        self._changes = Changes(latest.folder)
        self._ticked_at: datetime | None = None
        #: Silence before that was nobody's fault: this watch was not there, or the master not able to hear.
        self._away_until: datetime | None = None
        self._deaf_until: datetime | None = None

    def tick(self, now: datetime | None = None) -> None:
        """Judge all nodes as of `now`."""
        now = now or datetime.now(UTC)
        paused = self._ticked_at is None or abs(now - self._ticked_at) > _LONGEST_PAUSE
        self._ticked_at = now
        heard = self._latest.all()
        nodes = {node.name: node for node in self._nodes() if node.enabled}
        deaf = self._is_deaf(nodes, heard, now)
        if paused:
            self._away_until = now
        if deaf or paused:
            self._deaf_until = now
        kept = self._standings.all()
        for name, node in nodes.items():
            if not deaf or name == self._own_node:
                self._see_to(node, heard.get(name), kept.get(name), now)

    def _is_deaf(self, nodes: dict[str, WatchedNode], heard: dict[str, Heard], now: datetime) -> bool:
        """Whether not even this master's own heartbeat comes through."""
        own = heard.get(self._own_node)
        if own is None or self._own_node not in nodes:
            return False
        limits = self._thresholds_of(self._own_node, nodes[self._own_node].groups)
        return (now - own.received_at).total_seconds() > limits.late_after

    def _see_to(self, node: WatchedNode, heard: Heard | None, before: Kept | None, now: datetime) -> None:
        """Judge one node; what goes wrong with it spoils no other and is tried again at the next tick."""
        excused_since = self._away_until if node.name == self._own_node else self._deaf_until
        try:
            limits = self._thresholds_of(node.name, node.groups)
            standing = judge(before.standing if before else None, heard, now, limits, excused_since)
            kept = _following(before, standing)
            if kept != before:
                self._standings.keep(node.name, kept)
            if kept.untold is not None:
                self._say(node.name, kept.untold, standing)
                self._standings.keep(node.name, replace(kept, untold=None))
        except Exception:
            log.exception("the health of %s could not be judged", node.name)

    def _say(self, name: str, old: Health, standing: Standing) -> None:
        change = Change(name, standing.since, old, standing.state, standing.why)
        self._changes.add(change)
        self._tell(change)
        self._journal.append(
            Action(
                Kind.NODE_STATE,
                SYSTEM,
                name,
                detail={"old": old.value, "new": standing.state.value, "why": " ".join(standing.why)[:500]},
            )
        )


def _following(before: Kept | None, standing: Standing) -> Kept:
    """What to keep: with the state that people know of, where they do not know of this one yet."""
    if before is None:
        return Kept(standing, None if standing.state is Health.UNKNOWN else Health.UNKNOWN)
    if before.standing.state is standing.state:
        return Kept(standing, before.untold)
    known = before.standing.state if before.untold is None else before.untold
    return Kept(standing, None if known is standing.state else known)
