"""The inventory means what Ansible says it means, and says what is wrong with a pattern."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from selfservice.nodes.inventory import Inventory, InventoryError, PatternError
from selfservice.settings import CHECKOUT

HOSTS = """\
all:
  hosts:
    master: {ansible_connection: local}
  children:
    workers:
      hosts:
        web-1: {ansible_host: 192.0.2.1}
        web-2: {ansible_host: 192.0.2.2}
        db-1: {}
"""


@pytest.fixture
def inventory(tmp_path: Path) -> Inventory:
    (tmp_path / "hosts.yml").write_text(HOSTS)
    return Inventory(tmp_path)


@pytest.mark.parametrize(
    "pattern, names",
    [
        ("master", ["master"]),
        ("all", ["master", "web-1", "web-2", "db-1"]),
        ("workers", ["web-1", "web-2", "db-1"]),
        ("web*", ["web-1", "web-2"]),
        ("workers:!web-2", ["web-1", "db-1"]),
        ("workers:&web*", ["web-1", "web-2"]),
        ("~db-[0-9]", ["db-1"]),
        ("workers[0:1]", ["web-1", "web-2"]),
        ("web-1,master", ["master", "web-1"]),
        (" web-1 ", ["web-1"]),
    ],
)
def test_patterns_mean_what_ansible_says(inventory: Inventory, pattern: str, names: list[str]) -> None:
    assert sorted(inventory.match(pattern)) == sorted(names)


@pytest.mark.parametrize(
    "pattern, sentence",
    [
        ("", "at least one"),
        ("   ", "at least one"),
        ("wbe-1", "'wbe-1'. Did you mean web-1"),
        ("web-1,nowhere", "'nowhere'"),
        ("all:!nowhere", "'nowhere'"),
        ("zz*", "No host matches"),
        ("workers:!workers", "No host matches"),
        ("localhost", "'localhost'"),
        ("127.0.0.1", "'127.0.0.1'"),
        ("-i,evil", "'-i'"),
        ("web-1\n", None),
        ("web\x001", "control characters"),
        ("<script>", "'<script>'"),
        ("~(", "cannot read the pattern"),
    ],
)
def test_a_pattern_that_means_nothing_says_why(inventory: Inventory, pattern: str, sentence: str | None) -> None:
    if sentence is None:
        assert inventory.match(pattern.strip()) == ("web-1",)
        return
    with pytest.raises(PatternError) as caught:
        inventory.match(pattern)
    assert sentence in caught.value.sentence


def test_a_host_appears_as_soon_as_its_lines_are_there(inventory: Inventory, tmp_path: Path) -> None:
    assert "web-3" not in [host.name for host in inventory.hosts()]
    (tmp_path / "more.ini").write_text("[workers]\nweb-3 ansible_host=192.0.2.3\n")
    assert "web-3" in [host.name for host in inventory.hosts()]
    assert "web-3" in inventory.match("workers")


def test_hosts_tell_address_connection_and_groups(inventory: Inventory) -> None:
    found = {host.name: host for host in inventory.hosts()}
    assert (found["web-1"].address, found["web-1"].connection) == ("192.0.2.1", "ssh")
    assert found["web-1"].groups == ("workers",)
    assert found["master"].connection == "local"


@pytest.mark.parametrize("content", ["all: [", "- just\n- a list\n", "all:\n  hosts: {web: {\n"])
def test_a_broken_file_is_named_with_what_ansible_says(tmp_path: Path, content: str) -> None:
    (tmp_path / "hosts.yml").write_text(content)
    with pytest.raises(InventoryError) as caught:
        Inventory(tmp_path).hosts()
    assert "hosts.yml" in caught.value.sentence


def test_a_missing_inventory_says_where_it_should_be(tmp_path: Path) -> None:
    with pytest.raises(InventoryError, match="no inventory at"):
        Inventory(tmp_path / "gone").match("all")


def test_the_inventory_that_comes_with_it_is_an_ordinary_one() -> None:
    program = Path(sys.executable).parent / "ansible-inventory"
    environment = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        [program, "-i", "inventory", "--list"],
        cwd=CHECKOUT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    value = json.loads(done.stdout)
    assert value["_meta"]["hostvars"]["master"]["ansible_connection"] == "local"
    assert "WARNING" not in done.stderr
    assert Inventory(CHECKOUT / "inventory").match("all") == ("master",)
