"""What a worker tells Prometheus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric

from selfservice.worker.services import worker_services


def collect() -> Iterator[Metric]:
    """Tasks under way and kept, results on their way."""
    own = worker_services()
    yield GaugeMetricFamily("selfservice_tasks_running", "Tasks under way.", own.tasks.running())
    yield GaugeMetricFamily("selfservice_outbox_waiting", "Results the master does not have.", own.outbox.waiting())
    kept = GaugeMetricFamily("selfservice_tasks_kept", "Tasks by type and state.", labels=["type", "state"])
    counted = Counter((task.request.type, task.state.value) for task in own.tasks.all())
    for (name, state), count in counted.items():
        kept.add_metric([name, state], count)
    yield kept
