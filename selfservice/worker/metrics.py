"""What a worker tells Prometheus."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from selfservice.web.certificate import days_left_metric
from selfservice.worker.services import worker_services


def collect() -> Iterator[Metric]:
    """Tasks, results on their way, the own certificate."""
    own = worker_services()
    yield GaugeMetricFamily("selfservice_tasks_running", "Tasks under way.", own.tasks.running())
    yield GaugeMetricFamily("selfservice_outbox_waiting", "Results the master does not have.", own.outbox.waiting())
    ended = CounterMetricFamily("selfservice_tasks", "Tasks that ended.", labels=["type", "outcome"])
    for (name, state), count in own.tasks.ended.items():
        ended.add_metric([name, state], count)
    yield ended
    yield days_left_metric(own.settings)
