"""A master as a user starts it: all of its processes, whatever is done to them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from selfservice.audit.journal import day_files
from selfservice.settings import CHECKOUT
from selfservice.store import files
from tests.ports import free_port
from tests.system import master as masters
from tests.system.conftest import Node, wait_for
from tests.system.master import Master
from tests.system.sshd import SshHosts

LOCAL = """\
all:
  hosts:
    master:
      ansible_connection: local
      ansible_python_interpreter: "{{ ansible_playbook_python }}"
  children:
    workers:
      hosts: {}
"""


@pytest.fixture
def master(tmp_path: Path) -> Iterator[Master]:
    started = masters.start(tmp_path, LOCAL)
    yield started
    if started.process.poll() is None:
        started.stop()


def started_alone(home: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What `python run.py …` does with this environment, where it ends by itself."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SELFSERVICE_")}
    return subprocess.run(
        [sys.executable, "run.py", *words],
        cwd=CHECKOUT, env={**inherited, "SELFSERVICE_HOME": str(home), **environment},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def child(master: Master, name: str) -> int:
    """The process of this master that serves `name`."""
    pid = master.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for each in map(int, children):
        if name in Path(f"/proc/{each}/cmdline").read_text().split("\0"):
            return each
    raise AssertionError(f"no {name} among {children}")


def state_of(master: Master, run_id: str) -> str:
    answer = master.call("GET", f"/api/v1/runs/{run_id}")
    assert answer.status_code == 200, answer.text
    return str(answer.json()["state"])


def test_the_dashboard_and_the_worker_api_answer(master: Master) -> None:
    assert requests.get(f"{master.url}/sign-in", timeout=5).status_code == 200
    assert requests.get(f"{master.worker_url}/healthz", timeout=5).status_code == 200
    refused = requests.get(f"{master.worker_url}/api/v1/node", timeout=5)
    assert refused.status_code == 401
    token = (master.home / "instance" / "node_token").read_text().strip()
    answer = requests.get(f"{master.worker_url}/api/v1/node", headers={"Authorization": f"Bearer {token}"}, timeout=5)
    assert answer.json()["name"] == "master"


def test_what_is_secret_is_for_the_owner_alone(master: Master) -> None:
    for path in (master.home / "instance").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_killed_web_process_comes_back_and_the_run_never_notices(master: Master) -> None:
    run_id = master.call("POST", "/api/v1/commands", json={"command": "sleep 4", "hosts": "master"}).json()["id"]
    wait_for(lambda: state_of(master, run_id) == "running")
    os.kill(child(master, "web"), signal.SIGKILL)

    def back() -> bool:
        try:
            return requests.get(f"{master.url}/healthz", timeout=2).status_code == 200
        except requests.RequestException:  # not there, or a busy machine
            return False

    state = master.home / "artifacts" / run_id / "state.json"
    wait_for(lambda: files.read_json(state)["state"] == "successful")
    wait_for(back)
    assert state_of(master, run_id) == "successful"


def test_web_and_executor_killed_together_leave_the_run_going(master: Master) -> None:
    run_id = master.call("POST", "/api/v1/commands", json={"command": "sleep 4", "hosts": "master"}).json()["id"]
    wait_for(lambda: state_of(master, run_id) == "running")
    for name in ("web", "executor"):
        os.kill(child(master, name), signal.SIGKILL)
    state = master.home / "artifacts" / run_id / "state.json"
    wait_for(lambda: files.read_json(state)["state"] == "successful")


def test_the_end_of_the_supervisor_ends_its_processes_but_no_run(master: Master) -> None:
    run_id = master.call("POST", "/api/v1/commands", json={"command": "sleep 5", "hosts": "master"}).json()["id"]
    wait_for(lambda: state_of(master, run_id) == "running")
    children = [child(master, name) for name in ("web", "worker", "executor")]
    master.process.kill()
    master.process.wait()
    wait_for(lambda: not any(alive(pid) for pid in children))
    state = master.home / "artifacts" / run_id / "state.json"
    assert files.read_json(state)["state"] == "running"
    wait_for(lambda: files.read_json(state)["state"] == "successful")


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_health_is_not_ready_while_no_executor_lives(tmp_path: Path) -> None:
    port = free_port()
    environment = {**os.environ, "SELFSERVICE_HOME": str(tmp_path), "SELFSERVICE_PORT": str(port)}
    with (tmp_path / "log").open("wb") as log:
        web = subprocess.Popen([sys.executable, "run.py", "web"], cwd=CHECKOUT, env=environment, stdout=log, stderr=log)
    try:

        def answers() -> bool:
            try:
                return requests.get(f"http://127.0.0.1:{port}/healthz", timeout=2).status_code == 503
            except requests.RequestException:  # not there, or a busy machine
                return False

        wait_for(answers)
    finally:
        web.terminate()
        web.wait(20)


@pytest.mark.parametrize(
    "environment, sentence",
    [
        ({"SELFSERVICE_TYPE": "BOTH"}, "SELFSERVICE_TYPE must be MASTER or WORKER, not 'BOTH'."),
        ({"SELFSERVICE_TYPE": "WORKER"}, "MASTER_BEARER_TOKEN"),
        ({"SELFSERVICE_HOST": "0.0.0.0"}, "SELFSERVICE_TLS_CERTIFICATE"),
        ({"SELFSERVICE_ADMIN_PASSWORD": "short"}, "SELFSERVICE_ADMIN_PASSWORD cannot be used"),
    ],
)
def test_a_start_that_cannot_work_is_refused_with_a_sentence(
    tmp_path: Path, environment: dict[str, str], sentence: str
) -> None:
    done = started_alone(tmp_path, **environment)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_a_home_that_cannot_be_written_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "audit").write_text("a file where the folder should be")
    done = started_alone(tmp_path)
    assert done.returncode == 2
    assert str(tmp_path / "audit") in done.stderr


def test_a_read_only_home_is_refused_with_a_sentence(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        tmp_path.chmod(0o500)
    elif not mounted(tmp_path, "ro,size=1m"):
        pytest.skip("needs the right to mount a tmpfs")
    try:
        done = started_alone(tmp_path)
        assert done.returncode == 2
        assert "SELFSERVICE_HOME" in done.stderr
    finally:
        unmount(tmp_path)


def test_settings_are_printed_with_secrets_masked(tmp_path: Path) -> None:
    done = started_alone(tmp_path, "settings", MASTER_BEARER_TOKEN="canary")
    assert "MASTER_BEARER_TOKEN=********" in done.stdout
    assert "canary" not in done.stdout


def test_the_audit_is_verified_from_the_terminal(master: Master) -> None:
    assert "The chain holds" in master.command("audit", "verify")
    (path,) = day_files(master.home / "audit")
    path.write_text(path.read_text().replace('"target":"admin"', '"target":"eve"'))
    done = started_alone(master.home, "audit", "verify")
    assert done.returncode == 1
    assert f"{path.name}, line 1" in done.stdout


def test_a_full_disk_fails_the_run_with_that_sentence_and_the_executor_lives(
    make_node: Callable[..., Node], ssh_hosts: SshHosts, tmp_path: Path
) -> None:
    (tmp_path / "artifacts").mkdir()
    if not mounted(tmp_path / "artifacts", "size=4m"):
        pytest.skip("needs the right to mount a tmpfs")
    try:
        node = make_node(ssh_hosts.inventory())
        node.start_executor()
        run = node.launch("seq 1000000", "web-1")
        status = node.finish(run)
        assert (status.state, "is full" in status.why) == ("failed", True), status
        for path in (tmp_path / "artifacts" / run.id).glob("*"):
            if path.name in {"stdout", "events.jsonl"}:
                path.unlink()
        assert node.finish(node.launch("true")).state == "successful"
    finally:
        unmount(tmp_path / "artifacts")


def mounted(path: Path, options: str) -> bool:
    """Put a small file system of its own there, where this user may."""
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", path], capture_output=True)
    return done.returncode == 0


def unmount(path: Path) -> None:
    subprocess.run(["umount", "--lazy", path], capture_output=True)
