"""What docs/health.md and the files in deploy/ say is what the code has."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from typing import Any

import yaml

from selfservice.health.state import Health
from selfservice.health.thresholds import Thresholds
from selfservice.settings import CHECKOUT

DOCS = (CHECKOUT / "docs/health.md").read_text(encoding="utf-8")
METRICS = {
    name: set(labels.split(",")) - {""}
    for name, labels in re.findall(r"^\| `(selfservice_\w+)(?:\{([\w,]+)\})?` \|", DOCS, re.MULTILINE)
}
RULES = yaml.safe_load((CHECKOUT / "deploy/prometheus-alerts.yml").read_text(encoding="utf-8"))
DASHBOARD = json.loads((CHECKOUT / "deploy/grafana-dashboard.json").read_text(encoding="utf-8"))


def assert_known(expression: str) -> None:
    """Only documented metrics with their labels are asked for."""
    used = re.findall(r"(selfservice_\w+)(?:\{([^}]*)\})?", expression)
    for name, labels in used:
        assert name in METRICS, name
        assert set(re.findall(r"(\w+)(?:=~|!~|!=|=)", labels)) <= METRICS[name], expression


def test_every_limit_stands_there_with_its_default() -> None:
    listed = dict(re.findall(r"^\| `(\w+)` \| (\d+) \|", DOCS, re.MULTILINE))
    assert {name: float(value) for name, value in listed.items()} == {
        each.name: float(getattr(Thresholds(), each.name)) for each in fields(Thresholds)
    }


def test_every_state_stands_there() -> None:
    section = DOCS.split("## States")[1].split("## ")[0]
    assert re.findall(r"^\| (\w+) \|", section, re.MULTILINE)[1:] == [state.value for state in Health]


def test_every_rule_is_about_documented_metrics_and_says_what_is_wrong() -> None:
    rules: list[dict[str, Any]] = [rule for group in RULES["groups"] for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        assert_known(rule["expr"])
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"]["summary"].endswith(".")
        assert rule["expr"].count("(") == rule["expr"].count(")")


def test_every_panel_asks_for_documented_metrics_and_each_metric_has_one() -> None:
    expressions = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    for expression in expressions:
        assert_known(expression)
    assert {name for each in expressions for name in re.findall(r"selfservice_\w+", each)} == set(METRICS)
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(((?!http)[^)]+)\)", DOCS):
        assert (CHECKOUT / "docs" / target).exists(), target
