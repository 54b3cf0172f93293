"""Playbooks that go by Mitogen leave what they leave without it; where they cannot go by it, they do not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from selfservice.nodes.inventory import Inventory
from selfservice.runs.launching import Launch
from selfservice.runs.run import Run, RunKind, RunRequest, State
from tests.system.conftest import ALICE, Node, wait_for
from tests.system.sshd import SshHosts
from tests.system.test_fork_server import CORPUS, server_of
from tests.system.traces import traces_of

pytestmark = pytest.mark.sshd

MakeNode = Callable[..., Node]


def made(make_node: MakeNode, ssh_hosts: SshHosts, home: Path, *, mitogen: bool, playbooks: Path = CORPUS) -> Node:
    node = make_node(ssh_hosts.inventory(), home, playbooks=playbooks, mitogen=str(mitogen).lower(), parallel_runs=2)
    node.start_executor()
    wait_for(lambda: server_of(node), 90)
    if mitogen:
        wait_for((node.settings.instance / "cache" / "mitogen.json").exists, 90)
    return node


def launch(node: Node, playbook: str) -> Run:
    names = Inventory(node.settings.inventory).match("workers")
    request = RunRequest(RunKind.PLAYBOOK, hosts="workers", host_names=names, playbook=playbook)
    return node.runs.launch(Launch(request, ALICE))


def test_events_output_and_recaps_are_the_same_with_it_and_without(
    make_node: MakeNode, ssh_hosts: SshHosts, tmp_path: Path
) -> None:
    playbooks = sorted(path.name for path in CORPUS.glob("*.yml") if path.name != "said.yml")
    with_it = made(make_node, ssh_hosts, tmp_path / "with", mitogen=True)
    without = made(make_node, ssh_hosts, tmp_path / "without", mitogen=False)
    assert json.loads((with_it.settings.instance / "cache/mitogen.json").read_text())["why"] == ""
    runs = {playbook: (launch(with_it, playbook), launch(without, playbook)) for playbook in playbooks}
    for playbook, (ours, theirs) in runs.items():
        expected = traces_of(without, theirs)
        for part, found in traces_of(with_it, ours).items():
            assert found == expected[part], (playbook, part)


WHO_RUNS_IT = """\
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.shell: cat /proc/$PPID/cmdline
      register: parent
    - ansible.builtin.debug:
        msg: "run by {{ 'mitogen' if 'mitogen' in parent.stdout else 'ansible' }}"
"""
NAMES_ITS_STRATEGY = WHO_RUNS_IT.replace("  tasks:", "  strategy: linear\n  tasks:")
NEEDS_NO_PYTHON = f"{WHO_RUNS_IT}    - ansible.builtin.raw: echo done\n"


def test_a_playbook_that_cannot_bear_it_goes_without_it(
    make_node: MakeNode, ssh_hosts: SshHosts, tmp_path: Path
) -> None:
    playbooks = {"any": WHO_RUNS_IT, "strategy": NAMES_ITS_STRATEGY, "raw": NEEDS_NO_PYTHON}
    for name, text in playbooks.items():
        (tmp_path / "playbooks" / name).mkdir(parents=True)
        (tmp_path / "playbooks" / name / "play.yml").write_text(text)
    node = made(make_node, ssh_hosts, tmp_path / "home", mitogen=True, playbooks=tmp_path / "playbooks")

    def run_by(name: str) -> set[str]:
        run = launch(node, f"{name}/play.yml")
        assert node.finish(run).state is State.SUCCESSFUL, node.output(run)
        return set(re.findall(r"run by (\w+)", node.output(run)))

    assert {name: run_by(name) for name in playbooks} == {
        "any": {"mitogen"},
        "strategy": {"ansible"},
        "raw": {"ansible"},
    }
    seen = node.settings.instance / "cache" / "mitogen.json"
    seen.write_text(json.dumps({**json.loads(seen.read_text()), "why": "A play went otherwise."}))
    assert run_by("any") == {"ansible"}
