"""Runs from the queue to their end, on real hosts, whatever dies meanwhile."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable

from selfservice.audit.actions import Actor
from selfservice.runs import handover, processes, results
from selfservice.runs.launching import Launch
from selfservice.runs.run import Run, RunKind, RunRequest, State
from tests.system.conftest import ALICE, Node, wait_for
from tests.system.sshd import SshHosts


def test_a_command_runs_on_the_master_and_on_ssh_hosts(node: Node) -> None:
    run = node.launch("df -h /", "all")
    status = node.finish(run)
    assert (status.state, status.rc, status.why) == (State.SUCCESSFUL, 0, "")
    recap = results.of(node.runs.folder(run.id)).hosts
    assert {name: host.state for name, host in recap.items()} == {
        "master": "changed",
        "web-1": "changed",
        "web-2": "changed",
    }
    assert node.output(run).count("Filesystem") == 3


def test_a_failing_command_fails_the_run_and_names_the_host(node: Node) -> None:
    status = node.finish(node.launch("false", "web-1,master"))
    assert status.state is State.FAILED
    assert "failed on master, web-1" in status.why


def test_a_command_that_is_not_there_fails_with_its_name(node: Node) -> None:
    run = node.launch("no-such-command-here")
    assert node.finish(run).state is State.FAILED
    assert "no-such-command-here" in node.output(run)


def test_an_unreachable_host_is_named_and_the_others_still_run(
    make_node: Callable[..., Node], ssh_hosts: SshHosts
) -> None:
    node = make_node(ssh_hosts.inventory().replace("ansible_host: 127.0.0.3", "ansible_host: 127.0.0.77"))
    node.start_executor()
    run = node.launch("echo here", "workers")
    status = node.finish(run)
    assert status.state is State.FAILED
    assert "could not reach web-2" in status.why
    assert "here" in node.output(run)


def test_an_unknown_host_key_is_refused_and_the_output_says_so(
    make_node: Callable[..., Node], ssh_hosts: SshHosts
) -> None:
    node = make_node(ssh_hosts.inventory(known=False))
    node.start_executor()
    run = node.launch("id", "web-1")
    status = node.finish(run)
    assert status.state is State.FAILED
    assert "Host key verification failed" in node.output(run)
    assert "The host key of web-1 is not known" in status.why


def test_a_wrong_client_key_is_unreachable_with_the_reason(make_node: Callable[..., Node], ssh_hosts: SshHosts) -> None:
    node = make_node(ssh_hosts.inventory(key="wrong_key"))
    node.start_executor()
    run = node.launch("id", "web-1")
    status = node.finish(run)
    assert status.state is State.FAILED
    assert "Host web-1 refused the SSH key" in status.why


def test_what_is_typed_is_what_runs_templates_and_variables_included(node: Node) -> None:
    run = node.launch("echo {{ 1 + 1 }} $HOME chdir=/nowhere", "master,web-1")
    assert node.finish(run).state is State.SUCCESSFUL
    assert node.output(run).count("{{ 1 + 1 }} $HOME chdir=/nowhere") == 2


def test_a_shell_is_used_only_where_it_is_asked_for(node: Node) -> None:
    with_shell = node.launch("echo one | tr a-z A-Z", shell=True)
    without = node.launch("echo one | tr a-z A-Z")
    node.finish(with_shell), node.finish(without)
    assert "ONE" in node.output(with_shell)
    assert "one | tr a-z A-Z" in node.output(without)


def test_cancel_ends_every_process_and_says_who(node: Node) -> None:
    run = node.launch("sh -c 'trap \"\" TERM; sleep 300 & wait; sleep 300'", "master")
    node.wait_for_state(run, State.RUNNING)
    wait_for(lambda: len(processes.of_run(run.id)) >= 3)
    node.runs.cancel(run.id, Actor("bob", "session", "127.0.0.1"))
    status = node.finish(run)
    assert (status.state, status.why) == (State.CANCELED, "Canceled by bob.")
    assert processes.of_run(run.id) == []


def test_a_queued_run_is_canceled_without_ever_starting(make_node: Callable[..., Node], ssh_hosts: SshHosts) -> None:
    node = make_node(ssh_hosts.inventory(), parallel_runs=1)
    node.start_executor()
    first = node.launch("sleep 300")
    second = node.launch("touch /tmp/selfservice-must-not-be")
    node.wait_for_state(first, State.RUNNING)
    node.runs.cancel(second.id, ALICE)
    assert node.finish(second).state is State.CANCELED
    assert node.status(second).started_at is None
    node.runs.cancel(first.id, ALICE)
    assert node.finish(first).state is State.CANCELED


def test_a_timeout_says_timed_out(node: Node) -> None:
    status = node.finish(node.launch("sleep 300", "web-1", timeout=2))
    assert status.state is State.TIMED_OUT
    assert "2 s" in status.why


def test_a_run_goes_on_when_the_executor_is_killed_and_the_next_one_records_its_end(node: Node) -> None:
    run = node.launch("sleep 4")
    node.wait_for_state(run, State.RUNNING)
    assert node.executor is not None
    node.executor.kill()
    node.executor.wait()
    assert node.status(run).state is State.RUNNING
    node.start_executor()
    assert node.finish(run).state is State.SUCCESSFUL


def test_the_next_executor_adopts_a_run_and_can_cancel_it(node: Node) -> None:
    run = node.launch("sleep 300")
    node.wait_for_state(run, State.RUNNING)
    assert node.executor is not None
    node.executor.kill()
    node.executor.wait()
    node.start_executor()
    node.runs.cancel(run.id, ALICE)
    assert node.finish(run).state is State.CANCELED
    assert processes.of_run(run.id) == []


def test_a_run_whose_process_is_killed_becomes_lost_and_leaves_nothing_behind(node: Node) -> None:
    run = node.launch("sleep 300")
    status = node.wait_for_state(run, State.RUNNING)
    wait_for(lambda: len(processes.of_run(run.id)) >= 2)
    assert status.pid is not None
    os.kill(status.pid, signal.SIGKILL)
    status = node.wait_for_state(run, State.LOST, seconds=10)
    assert "disappeared" in status.why
    assert processes.of_run(run.id) == []
    assert not (node.settings.instance / "private" / run.id).exists()


def test_a_run_killed_while_no_executor_lived_becomes_lost_at_the_next_start(node: Node) -> None:
    run = node.launch("sleep 300")
    status = node.wait_for_state(run, State.RUNNING)
    assert node.executor is not None and status.pid is not None
    node.executor.kill()
    node.executor.wait()
    os.kill(status.pid, signal.SIGKILL)
    node.start_executor()
    assert node.wait_for_state(run, State.LOST, seconds=10).why


def test_a_second_executor_refuses_and_nothing_runs_twice(node: Node) -> None:
    first = node.executor
    second = node.start_executor()
    assert second.wait(20) == 2
    node.executor = first
    marks = node.settings.home / "marks"
    runs = [node.launch(f"sh -c 'echo x >> {marks}-{number}'") for number in range(6)]
    for run in runs:
        assert node.finish(run).state is State.SUCCESSFUL
    for number in range(6):
        assert (node.settings.home / f"marks-{number}").read_text() == "x\n"


def test_runs_start_in_the_order_they_came(make_node: Callable[..., Node], ssh_hosts: SshHosts) -> None:
    node = make_node(ssh_hosts.inventory(), parallel_runs=1)
    order = node.settings.home / "order"
    runs = [node.launch(f"sh -c 'echo {number} >> {order}'") for number in range(4)]
    node.start_executor()
    for run in runs:
        node.finish(run)
    assert order.read_text().split() == ["0", "1", "2", "3"]


def test_a_secret_of_the_node_never_reaches_artifacts(make_node: Callable[..., Node], ssh_hosts: SshHosts) -> None:
    node = make_node(ssh_hosts.inventory())
    node.extra_environment = {"MASTER_BEARER_TOKEN": "canary-token-1", "AWS_SECRET": "canary-token-2"}
    node.start_executor()
    run = node.launch("env")
    node.finish(run)
    for path in (node.settings.home / "artifacts").rglob("*"):
        if path.is_file():
            assert b"canary-token" not in path.read_bytes(), path
    command = json.loads(node.runs.folder(run.id).command.read_text())
    assert set(command) == {"command", "cwd"}


def test_a_finished_folder_holds_what_the_house_says(node: Node) -> None:
    run = node.launch("true")
    node.finish(run)
    folder = node.runs.folder(run.id).path
    assert sorted(path.name for path in folder.iterdir()) == [
        "command",
        "events.jsonl",
        "rc",
        "run.json",
        "state.json",
        "status",
        "stdout",
        "summary.json",
    ]
    assert folder.stat().st_mode & 0o777 == 0o700
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    assert [event["counter"] for event in events] == sorted(event["counter"] for event in events)


def test_output_that_is_no_text_does_not_break_the_run(node: Node) -> None:
    run = node.launch("head -c 3000 /dev/urandom")
    assert node.finish(run).state is State.SUCCESSFUL


def test_a_line_of_ten_megabytes_is_kept_whole(node: Node) -> None:
    run = node.launch("head -c 10000000 /dev/zero | tr '\\0' x", shell=True)
    assert node.finish(run).state is State.SUCCESSFUL
    assert node.runs.folder(run.id).stdout.stat().st_size > 10_000_000


def test_a_deleted_folder_of_a_running_run_does_not_stop_the_executor(node: Node) -> None:
    run = node.launch("sleep 300")
    status = node.wait_for_state(run, State.RUNNING)
    deleted = node.runs.folder(run.id).path
    while deleted.exists():  # the run writes into it meanwhile
        shutil.rmtree(deleted, ignore_errors=True)
    assert status.pid is not None
    os.kill(status.pid, signal.SIGKILL)
    assert node.finish(node.launch("true")).state is State.SUCCESSFUL
    assert not node.runs.folder(run.id).path.exists()


def launch_with_a_secret(node: Node, content: str = "") -> Run:
    request = RunRequest(
        RunKind.PLAYBOOK, hosts="master", host_names=("master",), playbook="any.yml",
        secret_names=("password",), content=content,
    )  # fmt: skip
    return node.runs.launch(Launch(request, ALICE, secrets={"password": "hunter2"}))


def test_a_run_that_is_canceled_before_it_started_leaves_no_secret_behind(
    make_node: Callable[..., Node], ssh_hosts: SshHosts
) -> None:
    node = make_node(ssh_hosts.inventory())
    run = launch_with_a_secret(node)
    node.runs.cancel(run.id, ALICE)
    assert handover.left(node.settings) == [run.id]
    node.start_executor()
    assert node.finish(run).state is State.CANCELED
    wait_for(lambda: handover.left(node.settings) == [])


def test_a_run_that_ends_before_it_took_its_secret_leaves_none_behind(node: Node) -> None:
    status = node.finish(launch_with_a_secret(node, content="another playbook was approved"))
    assert (status.state, "has changed" in status.why) == (State.FAILED, True)
    wait_for(lambda: handover.left(node.settings) == [])
