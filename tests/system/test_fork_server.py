"""Runs that fork from a process with Ansible loaded are as those that load it themselves, and fail over to that."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from selfservice.nodes.inventory import Inventory
from selfservice.runs import processes
from selfservice.runs.launching import Launch
from selfservice.runs.run import Run, RunKind, RunRequest, State
from tests.system.conftest import ALICE, Node, wait_for
from tests.system.traces import traces_of

CORPUS = Path(__file__).parent / "corpus"
TWO_HOSTS = """\
all:
  vars:
    ansible_connection: local
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
  hosts:
    one: {}
    two: {}
"""
MakeNode = Callable[..., Node]


def made(make_node: MakeNode, tmp_path: Path, fork_server: bool) -> Node:
    home = tmp_path / ("forking" if fork_server else "loading")
    node = make_node(TWO_HOSTS, home, playbooks=CORPUS, fork_server=str(fork_server).lower(), parallel_runs=3)
    node.start_executor()
    if fork_server:
        wait_for(lambda: server_of(node))
    return node


def server_of(node: Node) -> int:
    """The pid of the process that runs fork from, once Ansible is loaded in it; else 0."""
    said = re.findall(r"runs fork from process (\d+)", (node.settings.home / "executor.log").read_text())
    return int(said[-1]) if said else 0


def launch(node: Node, playbook: str, *, check: bool = False) -> Run:
    names = Inventory(node.settings.inventory).match("all")
    request = RunRequest(RunKind.PLAYBOOK, hosts="all", host_names=names, playbook=playbook, check=check)
    return node.runs.launch(Launch(request, ALICE))


def test_events_output_and_recaps_are_the_same_both_ways(make_node: MakeNode, tmp_path: Path) -> None:
    playbooks = sorted(path.name for path in CORPUS.glob("*.yml") if path.name != "said.yml")
    ways = [made(make_node, tmp_path, True), made(make_node, tmp_path, False)]
    runs = {
        (playbook, check): [launch(node, playbook, check=check) for node in ways]
        for playbook, check in [
            *((playbook, False) for playbook in playbooks),
            ("roles.yml", True),
            ("plain.yml", True),
        ]
    }
    commands = [[node.launch("echo 'a  b' $HOME", "all", shell=shell) for node in ways] for shell in (False, True)]
    for what, pair in [*runs.items(), *zip(("command", "shell"), commands, strict=True)]:
        forked, loaded = (traces_of(node, run) for node, run in zip(ways, pair, strict=True))
        for part, found in loaded.items():
            assert forked[part] == found, (what, part)


def test_a_run_that_was_forked_carries_its_mark_and_is_ended_with_all_it_started(
    make_node: MakeNode, tmp_path: Path
) -> None:
    node = made(make_node, tmp_path, True)
    run = node.launch("sleep 300", "one")
    wait_for(lambda: "sleep 300" in " ".join(titles(processes.of_run(run.id))))
    found = titles(processes.of_run(run.id))
    log = (node.settings.home / "executor.log").read_text()
    assert any(title.startswith(f"ansible {run.id}") for title in found), (found, log)
    node.runs.cancel(run.id, ALICE)
    assert node.wait_for_state(run, State.CANCELED).why == "Canceled by alice."
    assert processes.of_run(run.id) == []


def titles(pids: list[int]) -> list[str]:
    found = []
    for pid in pids:
        try:
            found.append(Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode())
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def test_it_ends_while_nobody_is_there_and_comes_back_with_them(make_node: MakeNode, tmp_path: Path) -> None:
    node = made(make_node, tmp_path, True)
    first = server_of(node)
    used = node.settings.instance / "cache" / "last_used"
    an_hour_ago = time.time() - 3600
    os.utime(used, (an_hour_ago, an_hour_ago))
    wait_for(lambda: processes.started(first) is None)
    run = node.launch("echo begun by itself", "one")
    assert node.finish(run).state is State.SUCCESSFUL
    assert server_of(node) == first
    used.touch()
    wait_for(lambda: server_of(node) != first)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_without_an_answer_runs_start_by_themselves(
    make_node: MakeNode, tmp_path: Path, number: signal.Signals
) -> None:
    node = made(make_node, tmp_path, True)
    server = server_of(node)
    os.kill(server, number)
    run = node.launch("echo still here", "one")
    assert node.finish(run).state is State.SUCCESSFUL
    assert "still here" in node.output(run)
    assert processes.started(server) is None


def test_a_run_goes_on_without_server_and_executor(make_node: MakeNode, tmp_path: Path) -> None:
    node = made(make_node, tmp_path, True)
    gate = tmp_path / "gate"
    run = node.launch(f"while [ ! -e {gate} ]; do sleep 0.05; done; echo through", "one", shell=True)
    node.wait_for_state(run, State.RUNNING)
    os.kill(server_of(node), signal.SIGKILL)
    assert node.executor is not None
    node.executor.kill()
    node.executor.wait()
    gate.touch()
    assert (node.finish(run).state, "through" in node.output(run)) == (State.SUCCESSFUL, True)


def test_nothing_of_a_server_stays_when_its_executor_is_killed(make_node: MakeNode, tmp_path: Path) -> None:
    node = made(make_node, tmp_path, True)
    server = server_of(node)
    assert node.executor is not None
    node.executor.kill()
    node.executor.wait()
    wait_for(lambda: processes.started(server) is None)


def test_what_a_server_leaves_that_is_killed_while_it_loads_goes_at_the_next_start(
    make_node: MakeNode, tmp_path: Path
) -> None:
    node = make_node(TWO_HOSTS, tmp_path / "home", playbooks=CORPUS)
    (tmp_path / "tmp").mkdir()
    node.extra_environment = {"TMPDIR": str(tmp_path / "tmp")}
    executor, trial = node.start_executor(), node.settings.instance / "cache" / "ansible" / "trial"
    wait_for(trial.exists)
    for each in (*psutil.Process(executor.pid).children(recursive=True), executor):
        each.kill()
    executor.wait()
    node.start_executor()
    wait_for(lambda: server_of(node))
    assert not trial.exists()
    assert list((tmp_path / "tmp").glob("selfservice-*")) == []
