"""Operations through a real executor: secrets reach the playbook and no file, what is typed is no template."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from selfservice.accounts.permissions import Permission
from selfservice.audit.actions import Actor
from selfservice.nodes.inventory import Inventory
from selfservice.operations.operations import Operations, Order
from selfservice.runs.run import State
from tests.operations.playbooks import Playbooks
from tests.system.conftest import Node
from tests.system.test_slow import LOCAL

ALICE = Actor("alice", "session", "127.0.0.1")


@dataclass
class Alice:
    """May do everything."""

    name: str = "alice"
    person_name: str = "alice"
    role_name: str = "administrator"
    is_administrator: bool = True
    permissions: frozenset[Permission] = field(default_factory=frozenset)

    def may(self, permission: Permission) -> bool:
        """Always."""
        return permission not in self.permissions


def launch(node: Node, order: Order) -> tuple[State, Path]:
    """Its end, and its folder."""
    operations = Operations(node.settings, Inventory(node.settings.inventory), node.runs)
    run = operations.launch(order, ALICE, Alice())
    return node.finish(run).state, node.settings.artifacts / run.id


def test_a_secret_reaches_the_playbook_and_stays_in_no_file(make_node: Callable[..., Node], tmp_path: Path) -> None:
    playbooks = Playbooks(tmp_path / "playbooks")
    playbooks.operation(
        "write_secret",
        "password: {type: str, no_log: true, required: true}",
        tasks=f'- ansible.builtin.copy: {{content: "{{{{ password }}}}", dest: {tmp_path}/copy, mode: "0600"}}\n'
        "  no_log: true",
    )
    node = make_node(LOCAL, home=tmp_path / "home", playbooks=playbooks.folder)
    node.start_executor()
    state, _ = launch(node, Order("write_secret", "master", {"password": "hunter2-{{ 1 }}"}))
    assert state is State.SUCCESSFUL
    assert (tmp_path / "copy").read_text() == "hunter2-{{ 1 }}"
    files = [path for path in node.settings.home.rglob("*") if path.is_file()]
    assert not [path for path in files if b"hunter2" in path.read_bytes()]


def test_what_a_person_types_is_no_template(make_node: Callable[..., Node], tmp_path: Path) -> None:
    playbooks = Playbooks(tmp_path / "playbooks")
    playbooks.operation(
        "say",
        "words: {type: list, elements: str}",
        tasks='- ansible.builtin.debug: {msg: "{{ words | join }}"}',
    )
    node = make_node(LOCAL, home=tmp_path / "home", playbooks=playbooks.folder)
    node.start_executor()
    state, folder = launch(node, Order("say", "master", {"words": ["{{ lookup('pipe', 'id') }}"]}))
    assert state is State.SUCCESSFUL
    assert "lookup('pipe', 'id')" in (folder / "stdout").read_text()
    assert "uid=" not in (folder / "stdout").read_text()
