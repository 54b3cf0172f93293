"""Repositories as sources of hosts: read by Ansible, beside the node's own, the last good commit in use."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from selfservice.commands.commands import Command, Commands
from selfservice.errors import BadInput
from selfservice.files.models import RepositoryKind
from selfservice.files.registry import Plan
from selfservice.files.repository import Delete, Write
from selfservice.files.sources import Sources, Use
from selfservice.nodes.inventory import Inventory
from selfservice.runs.run import RunRequest
from selfservice.runs.runs import Runs
from tests.files import cast
from tests.files.office import ALICE, Office
from tests.files.test_repository import plant

HOSTS = b"""all:
  children:
    web:
      hosts:
        r-1: {ansible_host: 192.0.2.1, greeting: "{{ inventory_hostname }}"}
        r-2:
"""


class Shop:
    """An office whose repository gives hosts to the inventory of its node."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.sources = Sources(office.settings, office.database, office.journal, office.registry)
        self.inventory = Inventory(office.settings.inventory, self.sources.inventories)

    def give(self, *changes: Write | Delete, path: str = "hosts.yml") -> tuple[str, str]:
        """Commit, mark, sync; the commit that is in use then, and what is wrong with the latest."""
        record = self.office.registry.get("playbooks")
        if changes:
            cast.change(self.office.repository, *changes)
        self.sources.mark(record, Use("main", playbooks=False, inventory=path), ALICE)
        found = self.sources.sync(record, ALICE)
        return found.commit, found.trouble

    def request(self, hosts: str) -> RunRequest:
        runs = Runs(self.office.settings, self.office.journal)
        return Commands(self.inventory, runs, 60).check(Command("id", hosts), may_become=False)


@pytest.fixture
def shop(local_office: Office) -> Shop:
    return Shop(local_office)


def test_its_hosts_join_the_inventory_under_the_name_of_the_repository(office: Office) -> None:
    shop = Shop(office)
    commit, trouble = shop.give(Write("hosts.yml", HOSTS))
    assert trouble == ""
    found = {host.name: host for host in shop.inventory.hosts() if host.repository}
    assert sorted(found) == ["r-1", "r-2"]
    assert (found["r-1"].repository, found["r-1"].address) == ("playbooks", "192.0.2.1")
    assert found["r-1"].groups == ("playbooks", "web")
    assert shop.inventory.match("web:&playbooks") == ("r-1", "r-2")
    assert commit == office.repository.branch("main").tip


def test_group_variables_are_those_of_its_own_hosts_alone(shop: Shop) -> None:
    (shop.office.settings.inventory / "own.ini").write_text("own-1\n")
    shop.give(
        Write("inventory/hosts.ini", b"[web]\nr-1\n"),
        Write("inventory/group_vars/all.yml", b"ansible_connection: local\n"),
        path="inventory/",
    )
    connections = {host.name: host.connection for host in shop.inventory.hosts()}
    assert (connections["r-1"], connections["own-1"]) == ("local", "ssh")


def test_a_run_records_the_commit_and_reads_that_commit_to_its_end(shop: Shop) -> None:
    first, _ = shop.give(Write("hosts.yml", HOSTS))
    asked = shop.request("r-1,master")
    assert (asked.sources, len(asked.inventories)) == ({"playbooks": first}, 1)
    before = Path(asked.inventories[0]).read_bytes()
    second, _ = shop.give(Write("hosts.yml", HOSTS.replace(b"192.0.2.1", b"192.0.2.99")))
    assert Path(asked.inventories[0]).read_bytes() == before
    again = shop.request("r-1,master")
    assert again.sources == {"playbooks": second}
    assert again.inventories != asked.inventories
    assert again.fingerprint == asked.fingerprint


def test_a_run_on_hosts_of_this_node_knows_of_no_repository(shop: Shop) -> None:
    shop.give(Write("hosts.yml", HOSTS))
    asked = shop.request("master")
    assert (asked.sources, asked.inventories) == ({}, ())


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (b"all: [", "hosts.yml: Line"),
        (b"all: {hosts: {}}\n", "has no hosts"),
        (b"all: {hosts: {master: }}\n", "master is in another inventory"),
        (b"all: {hosts: {workers: }}\n", "workers would be a host and a group"),
        (b"all: {hosts: {playbooks: }}\n", "a host called playbooks"),
        (b"plugin: ansible.builtin.generator\n", "Ansible cannot read"),
    ],
)
def test_a_bad_inventory_leaves_the_last_good_one_in_use_and_says_so(shop: Shop, wrong: bytes, words: str) -> None:
    good, _ = shop.give(Write("hosts.yml", HOSTS))
    commit, trouble = shop.give(Write("hosts.yml", wrong))
    assert (commit, words in trouble) == (good, True), trouble
    assert shop.inventory.match("playbooks") == ("r-1", "r-2")
    assert [record.name for record, _ in shop.sources.troubles()] == ["playbooks"]


def test_an_inventory_that_is_gone_leaves_the_last_good_one_in_use(shop: Shop) -> None:
    good, _ = shop.give(Write("hosts.yml", HOSTS))
    assert shop.give(Delete("hosts.yml")) == (good, "There is no inventory at hosts.yml.")


def test_no_program_of_a_repository_is_run_to_list_hosts(shop: Shop, tmp_path: Path) -> None:
    blob = shop.office.git.text(
        "hash-object", "-w", "--stdin", stdin=f"#!/bin/sh\ntouch {tmp_path}/ran\necho '{{}}'\n".encode()
    )
    plant(shop.office.git, f"100755 blob {blob}\thosts")
    commit, trouble = shop.give(path="hosts")
    assert (commit, "Ansible cannot read" in trouble) == ("", True)
    assert not (tmp_path / "ran").exists()


def test_hosts_that_came_to_stand_in_the_way_are_left_out_and_said_so(shop: Shop) -> None:
    shop.give(Write("hosts.yml", HOSTS))
    own = shop.office.settings.inventory / "hosts.yml"
    own.write_text("all: {hosts: {master: {ansible_connection: local}, r-1: }}\n")
    assert shop.inventory.match("all") == ("master", "r-1")
    assert [host.repository for host in shop.inventory.hosts()] == ["", ""]
    assert "r-1 is in another inventory" in shop.inventory.left_out()[0]


def test_two_repositories_do_not_give_the_same_host(shop: Shop) -> None:
    shop.give(Write("hosts.yml", HOSTS))
    office = shop.office
    more = office.registry.create(Plan("more-hosts", "More", RepositoryKind.LOCAL, "playbooks.git"), ALICE)
    shop.sources.mark(more, Use("main", playbooks=False, inventory="hosts.yml"), ALICE)
    assert "r-1 is in another inventory" in shop.sources.sync(more, ALICE).trouble
    cast.change(office.repository, Write("other.ini", b"r-3\n"))
    shop.sources.mark(more, Use("main", playbooks=False, inventory="other.ini"), ALICE)
    assert shop.sources.sync(more, ALICE).trouble == ""
    assert shop.inventory.match("more_hosts") == ("r-3",)


def test_unmarking_takes_the_hosts_away(shop: Shop) -> None:
    shop.give(Write("hosts.yml", HOSTS))
    shop.sources.unmark(shop.office.registry.get("playbooks"), ALICE)
    assert {host.repository for host in shop.inventory.hosts()} == {""}


@pytest.mark.parametrize("path", ["../hosts", ".git/config", "a\\b"])
def test_an_inventory_outside_of_the_repository_is_refused(shop: Shop, path: str) -> None:
    with pytest.raises(BadInput):
        shop.give(path=path)


def test_a_source_gives_something(shop: Shop) -> None:
    with pytest.raises(BadInput, match="Choose its playbooks"):
        shop.give(path=" ")


def test_a_request_with_other_hosts_asks_for_something_else(shop: Shop) -> None:
    shop.give(Write("hosts.yml", HOSTS))
    asked = shop.request("r-1")
    assert asked.fingerprint != replace(asked, host_names=("r-2",)).fingerprint
