"""/metrics: figures for Prometheus, for whoever has its token."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from apiflask import APIFlask
from prometheus_client.parser import text_string_to_metric_families

from selfservice import create_app
from selfservice.health import sample
from selfservice.health.heartbeat import parse
from selfservice.settings import Settings

TOKEN = "for-prometheus-alone"


@pytest.fixture
def get(settings: Settings) -> Callable[..., tuple[int, str]]:
    def ask(role: str, token: str = TOKEN, configured: str = TOKEN) -> tuple[int, str]:
        made: APIFlask = create_app(replace(settings, metrics_token=configured), role=role)  # type: ignore[arg-type]
        own = made.extensions["selfservice"]
        if role == "web":
            now = datetime.now(UTC)
            own.nodes.ensure_own()
            own.health.latest.accept("master", parse(sample.take(), now), now)
        answer = made.test_client().get("/metrics", headers={"Authorization": f"Bearer {token}"})
        return answer.status_code, answer.get_data(as_text=True)

    return ask


@pytest.mark.parametrize("role", ["web", "worker"])
@pytest.mark.parametrize("token, configured", [("wrong", TOKEN), ("", TOKEN), ("", ""), ("x", "")])
def test_it_is_closed_to_everybody_else(
    get: Callable[..., tuple[int, str]], role: str, token: str, configured: str
) -> None:
    status, text = get(role, token, configured)
    assert (status, "selfservice_node_up" in text) == (401, False)


def test_the_master_tells_of_nodes_and_runs(get: Callable[..., tuple[int, str]]) -> None:
    status, text = get("web")
    assert status == 200
    found = {family.name: family.samples for family in text_string_to_metric_families(text)}
    assert {each.labels["node"] for each in found["selfservice_node_memory_percent"]} == {"master"}
    assert found["selfservice_node_memory_percent"][0].value > 0
    assert [each.labels["state"] for each in found["selfservice_node_state"] if each.value == 1] == ["unknown"]
    assert {each.labels["state"] for each in found["selfservice_runs"]} >= {"queued", "running", "failed"}


def test_a_worker_tells_of_tasks_and_what_it_could_not_send(get: Callable[..., tuple[int, str]]) -> None:
    status, text = get("worker")
    found = {family.name: family.samples for family in text_string_to_metric_families(text)}
    assert status == 200
    assert found["selfservice_tasks_running"][0].value == 0
    assert found["selfservice_outbox_waiting"][0].value == 0
