"""A playbook run by hand is recorded like any other run, and never minds where it cannot be."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from selfservice.runs import results
from selfservice.runs.folder import RunFolder
from selfservice.runs.index import RunIndex, RunQuery
from selfservice.runs.run import State
from selfservice.settings import CHECKOUT
from tests.system.conftest import Node, make_node, wait_for  # noqa: F401  # nodes as in system tests
from tests.system.test_slow import LOCAL

SOME_WORK = """
- name: Some work
  hosts: all
  gather_facts: false
  tasks:
    - name: Say something
      ansible.builtin.debug: {msg: "hello {{ who | default('world') }}"}
    - name: Write a file
      ansible.builtin.copy: {content: "new\\n", dest: "{{ target }}", mode: "0600"}
      when: target is defined
    - name: Wait
      ansible.builtin.command: {argv: [cat, "{{ gate }}"]}
      when: gate is defined
    - name: Fail
      ansible.builtin.fail: {msg: Sorry.}
      when: failing is defined
"""


class Terminal:
    """Somebody in a terminal of the master, in the folder of the program."""

    def __init__(self, node: Node, folder: Path) -> None:
        """Sit at `node`."""
        self.node = node
        self.playbook = folder / "work.yml"
        self.playbook.write_text(SOME_WORK)
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SELFSERVICE_")},
            "SELFSERVICE_HOME": str(node.settings.home),
            "ANSIBLE_FORCE_COLOR": "1",
        }

    def start(self, *words: str, playbook: Path | None = None, **environment: str) -> subprocess.Popen[str]:
        """Type `ansible-playbook …`."""
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        return subprocess.Popen(
            [program, str(playbook or self.playbook), "-i", str(self.node.settings.inventory), *words],
            cwd=CHECKOUT,
            env={**self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def play(self, *words: str, **named: Any) -> tuple[int, str, str]:
        """Type it and wait for its end: exit code, output, errors."""
        process = self.start(*words, **named)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def recorded(self) -> list[RunFolder]:
        """The runs there are."""
        artifacts = self.node.settings.artifacts
        return [RunFolder(artifacts, path.name) for path in sorted(artifacts.glob("2*"))]

    def the_run(self) -> RunFolder:
        """The only run."""
        (folder,) = self.recorded()
        return folder


def let_go(gate: Path) -> None:
    """End whatever reads from the fifo `gate`: a killed call leaves its last module behind."""
    os.close(os.open(gate, os.O_RDWR | os.O_NONBLOCK))


@pytest.fixture
def terminal(make_node: Callable[..., Node], tmp_path: Path) -> Terminal:  # noqa: F811
    return Terminal(make_node(LOCAL, home=tmp_path / "home"), tmp_path)


def test_the_call_becomes_a_run_with_all_its_files(terminal: Terminal, tmp_path: Path) -> None:
    rc, out, _ = terminal.play("-e", f"target={tmp_path}/file", "--diff")
    assert rc == 0
    folder = terminal.the_run()
    run, status = folder.run(), folder.status()
    assert (status.state, status.rc, run.actor.via) == (State.SUCCESSFUL, 0, "terminal")
    assert run.request.host_names == ("master",)
    assert folder.stdout.read_text() == out
    found = results.of(folder)
    assert found.hosts["master"].changed == 1
    assert found.changes[0]["after"] == "new\n"
    assert {"run.json", "state.json", "stdout", "events.jsonl", "summary.json", "rc", "status", "command"} <= {
        path.name for path in folder.path.iterdir()
    }
    line = out.splitlines()[next(each.line for each in found.results if each.status == "changed")]
    assert "Write a file" in line or line == "" or "---" in line


def test_output_and_exit_code_are_ansibles_own(terminal: Terminal, tmp_path: Path) -> None:
    unrecorded = tmp_path / "ansible.cfg"
    lines = (CHECKOUT / "ansible.cfg").read_text().splitlines(keepends=True)
    unrecorded.write_text("".join(line for line in lines if not line.startswith("callback")))
    for words, expected in (((), 0), (("-e", "failing=1"), 2), (("--limit", "nobody"), 1)):
        recorded = terminal.play(*words)
        plain = terminal.play(*words, ANSIBLE_CONFIG=str(unrecorded))
        assert recorded == plain
        assert recorded[0] == expected


def test_a_failure_is_recorded_with_its_reason(terminal: Terminal) -> None:
    terminal.play("-e", "failing=1")
    status = terminal.the_run().status()
    assert (status.state, status.rc) == (State.FAILED, 2)
    assert "failed on master" in status.why


def test_it_is_seen_while_it_goes_on_and_marked_in_the_list(terminal: Terminal, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    process = terminal.start("-e", f"gate={gate}")
    wait_for(lambda: terminal.recorded() and "TASK [Wait]" in terminal.the_run().stdout.read_text())
    index = RunIndex(terminal.node.settings.artifacts, terminal.node.settings.instance / "cache" / "runs.db")
    (row,) = index.page(RunQuery()).runs
    assert (row.state, row.via) == (State.RUNNING, "terminal")
    assert results.of(terminal.the_run()).results[0].status == "ok"
    gate.write_text("go\n")
    process.communicate(timeout=30)
    assert terminal.the_run().status().state is State.SUCCESSFUL


def test_there_is_a_line_in_the_audit(terminal: Terminal) -> None:
    terminal.play()
    text = "".join(path.read_text() for path in terminal.node.settings.audit.glob("*.jsonl"))
    (action,) = [json.loads(line) for line in text.splitlines()]
    assert (action["kind"], action["run_id"]) == ("run:launch", terminal.the_run().id)
    assert action["actor"]["via"] == "terminal"


def test_interrupting_it_is_an_end(terminal: Terminal, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    process = terminal.start("-e", f"gate={gate}")
    wait_for(lambda: terminal.recorded() and "TASK [Wait]" in terminal.the_run().stdout.read_text())
    process.send_signal(signal.SIGINT)
    wait_for(lambda: terminal.the_run().status().state.ended)
    let_go(gate)
    process.communicate(timeout=30)
    status = terminal.the_run().status()
    assert (status.state, status.why) == (State.CANCELED, "Interrupted in the terminal.")


def test_killed_it_is_lost_and_canceled_by_the_dashboard_it_is_canceled(terminal: Terminal, tmp_path: Path) -> None:
    node = terminal.node
    node.start_executor()
    for end, state in (("kill", State.LOST), ("cancel", State.CANCELED)):
        gate = tmp_path / end
        os.mkfifo(gate)
        known = {folder.id for folder in terminal.recorded()}
        process = terminal.start("-e", f"gate={gate}")
        wait_for(lambda known=known: [each for each in terminal.recorded() if each.id not in known])  # type: ignore[misc]
        (folder,) = [each for each in terminal.recorded() if each.id not in known]
        wait_for(lambda folder=folder: folder.stdout.exists() and "[Wait]" in folder.stdout.read_text())  # type: ignore[misc]
        if end == "kill":
            process.kill()
        else:
            node.runs.cancel(folder.id, folder.run().actor)
        wait_for(lambda folder=folder: folder.status().state.ended)  # type: ignore[misc]
        let_go(gate)
        process.communicate(timeout=30)
        assert folder.status().state is state


def test_secrets_are_in_no_file(terminal: Terminal) -> None:
    terminal.play("-e", '{"db_password": "hunter2", "who": "alice"}', "-ewho=bob", "--extra-vars=token=hunter2")
    folder = terminal.the_run()
    assert folder.run().request.secret_names == ("db_password", "token")
    assert folder.run().request.variables == {"who": "bob"}
    assert not [
        path for path in terminal.node.settings.home.rglob("*") if path.is_file() and b"hunter2" in path.read_bytes()
    ]


def test_where_it_cannot_be_recorded_the_playbook_runs_and_one_warning_says_why(terminal: Terminal) -> None:
    terminal.node.settings.artifacts.rmdir()
    rc, out, err = terminal.play()
    assert rc == 0
    assert "hello world" in out
    assert (out + err).count("This call is not recorded in the dashboard") == 1
    terminal.node.settings.artifacts.mkdir()


def test_a_wrong_setting_is_a_warning_too(terminal: Terminal) -> None:
    rc, out, err = terminal.play(SELFSERVICE_PORT="many")
    assert (rc, (out + err).count("is not recorded in the dashboard")) == (0, 1)


def test_inside_a_run_of_the_dashboard_nothing_is_recorded_twice(terminal: Terminal) -> None:
    terminal.play(SELFSERVICE_RUN_ID="20261120T000000-abcdef")
    assert terminal.recorded() == []
