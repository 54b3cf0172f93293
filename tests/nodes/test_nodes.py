"""Nodes are known by their tokens, of which only hashes are kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from selfservice.audit.actions import Actor
from selfservice.audit.journal import Journal, day_files
from selfservice.errors import BadInput, Forbidden
from selfservice.nodes import nodes as nodes_module
from selfservice.nodes import tokens
from selfservice.nodes.models import Node
from selfservice.nodes.nodes import NodeNotFound, NodeRevoked, Nodes
from selfservice.nodes.own_token import own_token
from selfservice.settings import Settings
from selfservice.store.database import Database
from tests.records import database_url, everything_in  # noqa: F401

ALICE = Actor("alice", "session", "127.0.0.1")
ADDRESS = "https://web-1.example.org:5001"


@pytest.fixture
def nodes(settings: Settings) -> Nodes:
    return Nodes(Database(settings), Journal(settings.audit, "master"), settings)


def verified(nodes: Nodes, token: str) -> str | None:
    node = nodes.verify(token)
    return node.name if node else None


def test_a_node_is_known_by_its_token_of_which_nothing_is_kept(nodes: Nodes, settings: Settings) -> None:
    node, token = nodes.add("web-1", ADDRESS, ALICE)
    assert verified(nodes, token) == "web-1"
    kept = everything_in(Database(settings))
    assert token not in kept
    assert node.token_hash in kept
    assert token not in day_files(settings.audit)[0].read_text()


@pytest.mark.parametrize("token", ["", "wrong", "ssn_" + "a" * 43, "ä"])
def test_no_other_token_opens_anything(nodes: Nodes, token: str) -> None:
    nodes.add("web-1", ADDRESS, ALICE)
    assert nodes.verify(token) is None


def test_after_a_rotation_old_and_new_are_good_until_the_grace_is_over(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, old = nodes.add("web-1", ADDRESS, ALICE)
    monkeypatch.setattr(nodes_module, "GRACE", timedelta(hours=1))
    node, new = nodes.rotate("web-1", ALICE)
    assert [verified(nodes, each) for each in (old, new)] == ["web-1", "web-1"]
    assert node.previous_until is not None and node.previous_until <= datetime.now(UTC) + timedelta(hours=1)
    monkeypatch.setattr(nodes_module, "GRACE", timedelta(seconds=-1))
    _, newest = nodes.rotate("web-1", ALICE)
    assert [verified(nodes, each) for each in (old, new, newest)] == [None, None, "web-1"]


def test_a_node_that_was_shut_out_is_refused_at_once_and_not_called(nodes: Nodes) -> None:
    _, old = nodes.add("web-1", ADDRESS, ALICE)
    _, new = nodes.rotate("web-1", ALICE)
    node = nodes.revoke("web-1", ALICE)
    assert [nodes.verify(each) for each in (old, new)] == [None, None]
    with pytest.raises(NodeRevoked):
        nodes.calling_token(node)


def test_a_new_token_lets_it_in_again_but_not_the_old_one(nodes: Nodes) -> None:
    _, old = nodes.add("web-1", ADDRESS, ALICE)
    nodes.revoke("web-1", ALICE)
    _, new = nodes.rotate("web-1", ALICE)
    assert [verified(nodes, each) for each in (old, new)] == [None, "web-1"]


def test_it_is_called_by_the_token_it_is_known_to_accept(nodes: Nodes) -> None:
    node, _ = nodes.add("web-1", ADDRESS, ALICE)
    first = nodes.calling_token(node)
    assert nodes.accepted_hashes(node) == [tokens.hash_of(first)]
    nodes.note_accepts(node, nodes.accepted_hashes(node))
    node, _ = nodes.rotate("web-1", ALICE)
    assert nodes.calling_token(node) == first
    told = nodes.accepted_hashes(node)
    assert len(told) == 2 and tokens.hash_of(first) in told
    nodes.note_accepts(node, told)
    after = nodes.get("web-1")
    assert nodes.calling_token(after) != first
    assert nodes.accepted_hashes(after) == [tokens.hash_of(nodes.calling_token(after))]


def test_a_node_of_the_same_name_added_anew_is_called_by_another_token(nodes: Nodes) -> None:
    node, _ = nodes.add("web-1", ADDRESS, ALICE)
    before = nodes.calling_token(node)
    nodes.remove("web-1", ALICE)
    node, _ = nodes.add("web-1", ADDRESS, ALICE)
    assert nodes.calling_token(node) != before


def test_the_master_is_a_node_to_itself_and_cannot_be_let_go(nodes: Nodes, settings: Settings) -> None:
    own = nodes.ensure_own()
    assert (own.name, nodes.calling_token(own)) == ("master", own_token(settings))
    assert verified(nodes, own_token(settings)) == "master"
    assert nodes.ensure_own().id == own.id
    for act in (nodes.rotate, nodes.revoke, nodes.remove):
        with pytest.raises(Forbidden):
            act("master", ALICE)


def test_names_are_not_given_twice_and_unknown_ones_are_said_to_be(nodes: Nodes) -> None:
    nodes.add("web-1", ADDRESS, ALICE)
    with pytest.raises(BadInput, match="already"):
        nodes.add("WEB-1", ADDRESS, ALICE)
    with pytest.raises(NodeNotFound):
        nodes.get("web-2")


def test_every_change_is_in_the_audit(nodes: Nodes, settings: Settings) -> None:
    nodes.add("web-1", ADDRESS, ALICE)
    nodes.rotate("web-1", ALICE)
    nodes.change("web-1", ALICE, address="https://new.example.org", may_ask=["disk_usage"])
    nodes.revoke("web-1", ALICE)
    nodes.remove("web-1", ALICE)
    text = day_files(settings.audit)[0].read_text()
    for kind in ("node:add", "node:rotate", "node:change", "node:revoke", "node:remove"):
        assert f'"{kind}"' in text


def test_addresses_can_be_changed_but_not_to_one_that_cannot_be(nodes: Nodes) -> None:
    nodes.add("web-1", ADDRESS, ALICE)
    with pytest.raises(BadInput):
        nodes.change("web-1", ALICE, address="http://web-1.example.org", may_ask=[])
    found: Node = nodes.get("web-1")
    assert found.address == ADDRESS
