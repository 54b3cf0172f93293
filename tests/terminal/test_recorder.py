"""ansible-playbook in a terminal, with the real program: what it prints, and what is kept of it."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from selfservice.audit.journal import day_files
from selfservice.runs import results
from selfservice.runs.run import State
from selfservice.settings import CHECKOUT, environment_of
from tests.system.conftest import Node, wait_for
from tests.terminal.conftest import INVENTORY, Terminal

HELLO = """\
- name: Say hello
  hosts: all
  gather_facts: false
  tasks:
    - name: Greet
      ansible.builtin.debug:
        msg: "hello {{ item }}"
      loop: [moon, sun]
    - name: Fail on one
      ansible.builtin.fail:
        msg: no luck here
      when: inventory_hostname == unlucky | default('nobody')
"""
WAIT = """\
- hosts: master
  gather_facts: false
  tasks:
    - ansible.builtin.debug:
        msg: before the wait
    - ansible.builtin.command: cat {{ fifo }}
"""
_COLOUR = {"ANSIBLE_FORCE_COLOR": "1"}


@pytest.mark.parametrize(
    "content, options, code",
    [
        (HELLO, (), 0),
        (HELLO, ("-e", "unlucky=other"), 2),
        (HELLO, ("--limit", "nobody"), 1),
        ("- hosts: all\n  gather_facts: false\n  tasks:\n    - no_such_module:\n", (), 4),
        ("- hosts: all\n  tasks: [\n", (), 4),
        (HELLO + "- hosts: other\n  roles: [not_there]\n", (), 1),
    ],
)
def test_output_and_exit_code_are_those_of_ansible(
    terminal: Terminal, content: str, options: tuple[str, ...], code: int
) -> None:
    playbook = terminal.write("hello.yml", content)
    plain = terminal.run(playbook, *options, record=False, **_COLOUR)
    recorded = terminal.run(playbook, *options, **_COLOUR)
    assert recorded == plain
    assert recorded[0] == code


def test_it_becomes_a_run_with_the_files_of_any_other(terminal: Terminal) -> None:
    playbook = terminal.write("hello.yml", HELLO)
    terminal.write("operations/hello.yml", "title: Greet everybody\n")
    _, output, _ = terminal.run(
        playbook, "-e", "unlucky=other", "--check", SSH_CLIENT="192.0.2.7 50022 22", SUDO_USER="alice", **_COLOUR
    )
    run, folder = terminal.recorded()
    assert (run.actor.name, run.actor.via, run.actor.address) == ("alice", "terminal", "192.0.2.7")
    request = run.request
    assert (request.playbook, request.operation, request.title) == ("hello.yml", "hello", "Greet everybody")
    assert (request.hosts, request.host_names, request.check) == ("all", ("master", "other"), True)
    assert request.variables == {"unlucky": "other"}
    status = folder.status()
    assert (status.state, status.rc, status.why) == (State.FAILED, 2, "Of 2 hosts: failed on other.")
    names = {path.name for path in folder.path.iterdir()}
    assert names == {"run.json", "state.json", "stdout", "events.jsonl", "summary.json", "command", "rc", "status"}
    assert {path.stat().st_mode & 0o777 for path in folder.path.iterdir()} == {0o600}
    assert "\x1b[" in folder.stdout.read_text()
    kept = folder.stdout.read_text()
    assert [line for line in output.splitlines() if line not in kept.splitlines()] == []


def test_results_say_which_line_of_the_output_is_theirs(terminal: Terminal) -> None:
    terminal.run(terminal.write("hello.yml", HELLO), "-e", "unlucky=other")
    _, folder = terminal.recorded()
    found = results.of(folder)
    assert {name: host.state for name, host in found.hosts.items()} == {"master": "ok", "other": "failed"}
    assert sorted(found.tasks.values()) == ["Fail on one", "Greet"]
    lines = folder.stdout.read_text().splitlines()
    assert found.first_failure_line is not None
    shown = "\n".join(lines[found.first_failure_line : found.first_failure_line + 12])
    assert "fatal: [other]" in shown and "fatal: [master]" not in shown
    assert all(result.seconds is not None and result.seconds >= 0 for result in found.results)


def test_later_plays_add_their_hosts(terminal: Terminal) -> None:
    plays = "".join(f"- hosts: {host}\n  gather_facts: false\n  tasks: [ping: ]\n" for host in ("other", "master"))
    terminal.run(terminal.write("two.yml", plays))
    run, folder = terminal.recorded()
    assert (run.request.hosts, run.request.host_names) == ("other,master", ("other", "master"))
    assert folder.status().state is State.SUCCESSFUL


def test_an_error_after_the_first_play_is_in_the_output_and_fails_the_run(terminal: Terminal) -> None:
    bad = "- hosts: other\n  gather_facts: false\n  tasks:\n    - include_tasks: nowhere.yml\n"
    code, _, _ = terminal.run(terminal.write("bad.yml", HELLO + bad))
    _, folder = terminal.recorded()
    assert (folder.status().state, folder.status().rc) == (State.FAILED, code)
    assert "nowhere.yml" in folder.stdout.read_text()


def test_a_mistake_found_before_any_play_is_no_run(terminal: Terminal) -> None:
    terminal.run(terminal.write("bad.yml", "- hosts: all\n  tasks: [\n"))
    assert terminal.folders() == []


def test_the_audit_has_a_line_for_it(terminal: Terminal) -> None:
    terminal.run(terminal.write("hello.yml", HELLO))
    run, _ = terminal.recorded()
    (line,) = [
        json.loads(text) for path in day_files(terminal.home / "audit") for text in path.read_text().splitlines()
    ]
    assert (line["kind"], line["run_id"], line["target"]) == ("run:launch", run.id, "Say hello")
    assert line["actor"]["via"] == "terminal"
    assert line["hosts"] == ["master", "other"]


SECRETS = """\
- hosts: master
  gather_facts: false
  roles: [door]
  tasks:
    - ansible.builtin.debug:
        msg: "{{ password }} {{ code }} {{ db.api_key }} {{ colour }}"
"""
SPEC = """\
argument_specs:
  main:
    options:
      code: {type: str, no_log: true}
"""


def test_secret_variables_stand_nowhere(terminal: Terminal) -> None:
    playbook = terminal.write("secrets.yml", SECRETS)
    terminal.write("roles/door/meta/argument_specs.yml", SPEC)
    extra = {"password": "open sesame", "code": "1234-xyz", "db": {"api_key": 'quo"ted-key'}, "colour": "red"}
    code, output, _ = terminal.run(playbook, "-e", json.dumps(extra))
    assert code == 0 and "open sesame" in output
    run, folder = terminal.recorded()
    assert run.request.variables == {"colour": "red"}
    assert run.request.secret_names == ("code", "db", "password")
    kept = "".join(path.read_text() for path in (*folder.path.iterdir(), *day_files(terminal.home / "audit")))
    for secret in ("sesame", "1234-xyz", "ted-key"):
        assert secret not in kept
    assert "red" in folder.stdout.read_text()


@pytest.mark.parametrize(
    "use",
    [
        "  roles: [{role}]",
        "  tasks: [import_role: {{name: {role}}}]",
        "  tasks: [block: [import_role: {{name: {role}}}]]",
    ],
)
def test_what_a_role_elsewhere_keeps_to_itself_stands_nowhere(terminal: Terminal, use: str) -> None:
    terminal.write("elsewhere/door/meta/argument_specs.yml", SPEC)
    terminal.write("elsewhere/door/tasks/main.yml", "- debug: {msg: '{{ code }}'}\n")
    role = terminal.home / "playbooks" / "elsewhere" / "door"
    playbook = terminal.write("site.yml", f"- hosts: master\n  gather_facts: false\n{use.format(role=role)}\n")
    code, output, _ = terminal.run(playbook, "-e", "code=1234-xyz")
    assert code == 0 and "1234-xyz" in output
    run, folder = terminal.recorded()
    assert run.request.secret_names == ("code",)
    assert not any("1234-xyz" in path.read_text() for path in folder.path.iterdir())


def test_a_result_that_is_not_to_be_logged_says_no_more_than_whether_it_changed_anything(terminal: Terminal) -> None:
    task = "    - ansible.builtin.command: echo {{ 'sesa' + 'me' }}\n      no_log: true\n"
    terminal.run(terminal.write("quiet.yml", f"- hosts: master\n  gather_facts: false\n  tasks:\n{task}"))
    _, folder = terminal.recorded()
    (result,) = results.of(folder).results
    assert result.status == "changed"
    assert not any("sesame" in path.read_text() for path in folder.path.iterdir())


def test_values_from_an_encrypted_file_are_secret(terminal: Terminal) -> None:
    playbook = terminal.write(
        "show.yml", "- hosts: master\n  gather_facts: false\n  tasks: [debug: {msg: '{{ a }}'}]\n"
    )
    pass_file, variables = terminal.write("pass", "letmein\n"), terminal.write("vars.yml", "a: hidden-value\n")
    program = Path(sys.executable).with_name("ansible-vault")
    subprocess.run([str(program), "encrypt", "--vault-password-file", pass_file, variables], check=True, cwd=CHECKOUT)
    code, output, _ = terminal.run(playbook, "-e", f"@{variables}", "--vault-password-file", pass_file)
    assert code == 0 and "hidden-value" in output
    run, folder = terminal.recorded()
    assert (run.request.variables, run.request.secret_names) == ({}, ("a",))
    assert not any("hidden-value" in path.read_text() for path in folder.path.iterdir())


@contextmanager
def waiting(terminal: Terminal, **environment: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A playbook that reads from a fifo, once it does; and the end of the fifo to write to."""
    fifo = terminal.home / "fifo"
    os.mkfifo(fifo)
    process = terminal.start(terminal.write("wait.yml", WAIT), "-e", f"fifo={fifo}", **environment)
    opened: list[int] = []
    wait_for(lambda: _open_for_writing(fifo, opened))
    yield process, opened[0]


def _open_for_writing(fifo: Path, opened: list[int]) -> bool:
    try:
        opened.append(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
    except OSError as error:
        assert error.errno == errno.ENXIO  # nobody reads from it yet
        return False
    return True


def test_it_is_running_and_readable_while_it_runs(terminal: Terminal) -> None:
    with waiting(terminal) as (process, fifo):
        _, folder = terminal.recorded()
        status = folder.status()
        assert (status.state, status.pid) == (State.RUNNING, process.pid)
        assert "before the wait" in folder.stdout.read_text()
        assert {result.status for result in results.of(folder).results} == {"ok"}
        assert folder.lock() is None
        os.close(fifo)
        process.communicate(timeout=30)
    assert (process.returncode, folder.status().state) == (0, State.SUCCESSFUL)


def test_ctrl_c_cancels_it(terminal: Terminal) -> None:
    with waiting(terminal) as (process, _):
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    run, folder = terminal.recorded()
    status = folder.status()
    assert (status.state, status.rc) == (State.CANCELED, process.returncode)
    assert status.why == f"Interrupted by {run.actor.name} in the terminal."
    assert "User interrupted execution" in errors and "User interrupted execution" in folder.stdout.read_text()


@pytest.fixture
def node(make_node: Callable[..., Node]) -> Node:
    """The same master with its executor at work."""
    made = make_node(INVENTORY)
    made.start_executor()
    return made


def test_the_executor_marks_it_lost_where_it_was_killed(terminal: Terminal, node: Node) -> None:
    with waiting(terminal) as (process, _):
        _, folder = terminal.recorded()
        process.kill()
        wait_for(lambda: folder.status().state.ended)
    assert folder.status().state is State.LOST


def test_the_dashboard_cancels_it(terminal: Terminal, node: Node) -> None:
    with waiting(terminal) as (process, _):
        run, folder = terminal.recorded()
        node.runs.cancel(run.id, run.actor)
        process.communicate(timeout=30)
    assert process.returncode == -signal.SIGTERM
    assert (folder.status().state, folder.status().why) == (State.CANCELED, f"Canceled by {run.actor.name}.")


def test_the_run_of_the_dashboard_is_not_recorded_twice(terminal: Terminal, node: Node) -> None:
    run = node.launch("echo here", "master")
    assert node.finish(run).state is State.SUCCESSFUL
    assert "WARNING" not in node.output(run)
    nested = terminal.write("hello.yml", HELLO)
    terminal.run(nested, SELFSERVICE_RUN_ID=run.id)
    assert [folder.id for folder in terminal.folders()] == [run.id]
    assert environment_of(node.settings)["SELFSERVICE_HOME"] == str(terminal.home)


@pytest.mark.parametrize("spoil", ["no_artifacts", "foreign", "audit_is_a_file", "unknown_setting"])
def test_where_it_cannot_be_recorded_it_runs_all_the_same_and_says_so_once(terminal: Terminal, spoil: str) -> None:
    playbook = terminal.write("hello.yml", HELLO)
    plain = terminal.run(playbook, "-e", "unlucky=other", record=False)
    environment: dict[str, str] = {}
    if spoil == "no_artifacts":
        (terminal.home / "artifacts").rmdir()
    elif spoil == "foreign":
        if os.geteuid() != 0:
            pytest.skip("only root can give a folder away")
        os.chown(terminal.home / "artifacts", 65534, 65534)
    elif spoil == "audit_is_a_file":
        (terminal.home / "audit").rmdir()
        (terminal.home / "audit").touch()
    else:
        environment = {"SELFSERVICE_NO_SUCH": "1"}
    code, output, errors = terminal.run(playbook, "-e", "unlucky=other", **environment)
    assert (code, output) == plain[:2]
    assert errors.count("Selfservice does not record this run") == 1
    assert not list((terminal.home / "artifacts").glob("*"))


def test_a_disk_that_fills_up_ends_the_recording_not_the_playbook(terminal: Terminal) -> None:
    tasks = "".join(f"    - debug: {{msg: '{'x' * 900} {number}'}}\n" for number in range(100))
    playbook = terminal.write("long.yml", f"- hosts: master\n  gather_facts: false\n  tasks:\n{tasks}")
    limit = "ulimit -f 68; exec"  # a file takes no more than 68 KiB then, as on a full disk
    program = Path(sys.executable).with_name("ansible-playbook")
    done = subprocess.run(
        ["bash", "-c", f"{limit} {program} {playbook}"],
        cwd=CHECKOUT,
        env=terminal.environment,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout.count("ok: [master]")) == (0, 100)
    assert done.stderr.count("Selfservice does not record this run") == 1
    _, folder = terminal.recorded()
    assert folder.status().state is State.SUCCESSFUL
    assert "not recorded" in folder.status().why
