"""Limits of nodes: defaults, and what groups and nodes say otherwise."""

from __future__ import annotations

import os
from dataclasses import fields
from pathlib import Path

import pytest

from selfservice.errors import BadInput
from selfservice.health.thresholds import Overrides, Thresholds, ThresholdsFile, parse

TEXT = """
defaults: {disk_percent: 85}
groups:
  web: {load_per_cpu: 8, late_after: 40}
  archive: {disk_percent: 97, load_per_cpu: 2}
nodes:
  web-1: {disk_percent: 70}
"""


def test_a_nodes_own_limits_come_before_those_of_its_groups_and_these_before_the_defaults() -> None:
    limits = parse(TEXT)
    assert limits.of("db-1", ()) == Thresholds(disk_percent=85)
    assert limits.of("web-2", ("web", "archive")) == Thresholds(disk_percent=97, load_per_cpu=8, late_after=40)
    assert limits.of("web-1", ("archive",)) == Thresholds(disk_percent=70, load_per_cpu=2)


def test_every_limit_can_be_set() -> None:
    for each in fields(Thresholds):
        assert getattr(parse(f"defaults: {{{each.name}: 60}}").defaults, each.name) == 60


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[", "no YAML"),
        ("- 1", "The file must be a mapping"),
        ("limits: {}", "'limits' is none of"),
        ("defaults: {disc: 1}", "'disc' is no limit"),
        ("nodes: {web-1: {disk_percent: high}}", "nodes.web-1: disk_percent must be a number from 1 to 100"),
        ("groups: {web: {disk_percent: .nan}}", "groups.web: disk_percent must be a number"),
        ("defaults: {late_after: 90}", "cannot be down before it is late"),
    ],
)
def test_what_cannot_be_used_is_said(text: str, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        parse(text)


def test_the_file_is_read_again_when_it_changes_and_kept_while_it_is_broken(tmp_path: Path) -> None:
    path = tmp_path / "health.yml"
    file = ThresholdsFile(path)
    assert file.read() == Overrides()
    path.write_text("defaults: {disk_percent: 80}")
    assert file.of("web-1", ()).disk_percent == 80
    path.write_text("defaults: {disk_percent: ninety}")
    assert file.of("web-1", ()).disk_percent == 80
    assert "disk_percent must be a number" in file.trouble
    path.write_text("defaults: {disk_percent: 75}")
    os.utime(path, (1, 1))
    assert (file.of("web-1", ()).disk_percent, file.trouble) == (75, "")
    path.unlink()
    assert file.of("web-1", ()).disk_percent == Thresholds().disk_percent
