"""What the master tells Prometheus: its nodes, its runs, its own certificate."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from prometheus_client.core import GaugeMetricFamily, Metric

from selfservice.health.fleet import ORDER, NodeHealth
from selfservice.runs.run import State
from selfservice.web.certificate import days_left_metric
from selfservice.web.services import services

_OF_A_NODE = {
    "heartbeat_age_seconds": "Seconds since it was heard.",
    "cpu_percent": "How busy its processors are.",
    "memory_percent": "How much of its memory is in use.",
    "load1": "Its load of one minute.",
    "clock_offset_seconds": "Seconds by which its clock is ahead.",
}


def collect() -> Iterator[Metric]:
    """All figures as of now."""
    nodes = services().health.all()
    yield from _of_nodes(nodes)
    runs = GaugeMetricFamily("selfservice_runs", "Runs in each state.", labels=["state"])
    counts = services().runs.counts()
    for state in State:
        runs.add_metric([state.value], counts.get(state, 0))
    yield runs
    yield days_left_metric(services().settings)


def _of_nodes(nodes: list[NodeHealth]) -> Iterator[Metric]:
    up = GaugeMetricFamily("selfservice_node_up", "Whether a node is heard.", labels=["node"])
    states = GaugeMetricFamily("selfservice_node_state", "1 for the state a node is in.", labels=["node", "state"])
    disks = GaugeMetricFamily("selfservice_node_disk_percent", "How full a disk is.", labels=["node", "mount"])
    figures = {
        name: GaugeMetricFamily(f"selfservice_node_{name}", words, labels=["node"])
        for name, words in _OF_A_NODE.items()
    }
    now = datetime.now(UTC)
    for node in nodes:
        up.add_metric([node.name], node.state in ("healthy", "degraded"))
        for state in ORDER:
            states.add_metric([node.name, state], node.state == state)
        if node.heartbeat is None or node.heard_at is None:
            continue
        said = node.heartbeat
        found = ((now - node.heard_at).total_seconds(), said.cpu_percent, said.memory.percent, said.load[0])
        for figure, value in zip(figures.values(), (*found, said.clock_offset), strict=True):
            figure.add_metric([node.name], value)
        for disk in said.disks:
            disks.add_metric([node.name, disk.mount], disk.percent)
    yield from (up, states, disks, *figures.values())
