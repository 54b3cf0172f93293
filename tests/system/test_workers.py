"""Real masters and workers on loopback: joining, tasks that answer later, deaths of either."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
import trustme

from selfservice import settings as settings_module
from selfservice.audit.actions import Actor
from selfservice.audit.journal import Journal
from selfservice.nodes.nodes import Nodes
from selfservice.runs.processes import started
from selfservice.settings import CHECKOUT, Settings
from selfservice.store import files
from selfservice.store.database import Database
from selfservice.tasks.task import Task, TaskRequest, TaskState
from selfservice.tasks.task_files import TaskFiles
from tests.conftest import INVENTORY
from tests.system import master as master_module
from tests.system import worker as worker_module
from tests.system.conftest import wait_for
from tests.system.master import Master
from tests.system.worker import Worker
from tests.tasks.conftest import SITE_TYPES

AddWorker = Callable[..., Worker]
#: Of the two ends of the cable in a test of its own network.
ADDRESSES = ("10.231.7.1", "10.231.7.2")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "misbehaving.py").write_text(SITE_TYPES)
    return folder


@pytest.fixture
def master(tmp_path: Path, site: Path) -> Iterator[Master]:
    home = tmp_path / "master"
    home.mkdir()
    settings = {"SELFSERVICE_TASKS_FOLDER": str(site), "SELFSERVICE_HEARTBEAT_SECONDS": "1"}
    made = master_module.start(home, INVENTORY, **settings)
    yield made
    made.stop()


@pytest.fixture
def add_worker(master: Master, tmp_path: Path, site: Path) -> Iterator[AddWorker]:
    added: list[Worker] = []

    def add(name: str = "web-1", **settings: str) -> Worker:
        worker = worker_module.add(master, name, tmp_path / name, SELFSERVICE_TASKS_FOLDER=str(site), **settings)
        added.append(worker)
        worker.start()
        return worker

    yield add
    for worker in added:
        worker.stop()


def send(master: Master, *nodes: str, **body: Any) -> str:
    answer = master.call("POST", "/api/v1/calls", json={"nodes": nodes, **body})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def answers(master: Master, call_id: str) -> dict[str, dict[str, Any]]:
    return {each["node"]: each for each in master.call("GET", f"/api/v1/calls/{call_id}").json()["answers"]}


def api_process(worker: Worker) -> int:
    """The process that serves the API and starts tasks; run.py watches it."""
    assert worker.process is not None
    (api,) = psutil.Process(worker.process.pid).children()
    return int(api.pid)


def state(master: Master, call_id: str, node: str = "web-1") -> str:
    return str(answers(master, call_id)[node]["state"])


def settings_of(master: Master) -> Settings:
    return settings_module.load({name: value for name, value in master.environment.items() if "SELFSERVICE" in name})


def audit_of(home: Path) -> str:
    return "".join(path.read_text() for path in sorted((home / "audit").glob("*.jsonl")))


def token_of(home: Path) -> str:
    return (home / "instance" / "node_token").read_text().strip()


def test_a_task_is_sent_to_worker_and_master_at_once_and_both_write_it_down(
    master: Master, add_worker: AddWorker
) -> None:
    worker = add_worker()
    call_id = send(master, "master", "web-1", type="memory_and_load")
    wait_for(lambda: master.call("GET", f"/api/v1/calls/{call_id}").json()["ended"])
    found = answers(master, call_id)
    for node in ("master", "web-1"):
        assert (found[node]["state"], found[node]["http_status"]) == ("successful", 200)
        assert found[node]["result"]["cpus"] >= 1
    assert '"call:send"' in audit_of(master.home)
    line = next(line for line in audit_of(worker.home).splitlines() if '"task:start"' in line)
    assert json.loads(line)["actor"] == {"name": "admin/tests", "via": "node", "address": "127.0.0.1"}


def test_a_slow_task_answers_later_though_the_master_was_down_and_the_worker_restarted(
    master: Master, add_worker: AddWorker, tmp_path: Path, site: Path
) -> None:
    worker = add_worker()
    call_id = send(master, "web-1", type="wait_for_file", params={"path": str(tmp_path / "go")}, wait=0)
    wait_for(lambda: state(master, call_id) == "later")
    assert "goes on" in answers(master, call_id)["web-1"]["why"]
    master.stop()
    (tmp_path / "go").touch()
    outbox = worker.home / "instance" / "outbox"
    wait_for(lambda: list(outbox.glob("*.json")))
    worker.kill()
    worker.start()
    again = master_module.start(
        master.home, SELFSERVICE_TASKS_FOLDER=str(site),
        **{name: master.environment[name] for name in ("SELFSERVICE_PORT", "SELFSERVICE_WORKER_PORT")},
    )  # fmt: skip
    try:
        again.token = master.token
        wait_for(lambda: state(again, call_id) == "successful", 60)
        assert answers(again, call_id)["web-1"]["result"] == "there"
        wait_for(lambda: not list(outbox.glob("*.json")))
    finally:
        again.stop()
        master.process = again.process  # for the end of the test: both are ended


def test_a_task_that_was_cut_off_by_the_death_of_its_worker_is_lost_and_says_so(
    master: Master, add_worker: AddWorker, tmp_path: Path
) -> None:
    worker = add_worker()
    mark = tmp_path / "mark"
    params = {"path": str(tmp_path / "never"), "mark": str(mark)}
    call_id = send(master, "web-1", type="wait_for_file", params=params, wait=0)
    wait_for(lambda: state(master, call_id) == "later" and mark.exists())
    os.kill(api_process(worker), signal.SIGKILL)  # nobody tells the task's own process
    wait_for(lambda: started(int(mark.read_text())) is None)
    worker.kill()
    worker.start()
    wait_for(lambda: state(master, call_id) == "lost")
    assert "stopped while the task was under way" in answers(master, call_id)["web-1"]["why"]


def test_a_task_is_not_lost_to_the_next_process_while_the_one_before_still_ends(
    master: Master, add_worker: AddWorker
) -> None:
    worker = add_worker()
    worker.stop()
    kept = TaskFiles(worker.home / "instance" / "tasks")
    asked = TaskRequest("disk_usage", {})
    task = Task("20261121T000000-00000a", asked, Actor("a", "node", "b"), TaskState.RUNNING, "t")
    kept.put(task)
    before = files.lock(worker.home / "instance" / "worker.lock")
    worker.launch()
    wait_for(lambda: "has not ended yet" in (worker.home / "worker.log").read_text())
    assert kept.get(task.id).state is TaskState.RUNNING
    os.close(before)
    wait_for(lambda: kept.get(task.id).state is TaskState.LOST)


def test_the_same_result_sent_again_is_accepted_once_and_that_of_another_not_at_all(
    master: Master, add_worker: AddWorker
) -> None:
    worker, other = add_worker(), add_worker("web-2")
    call_id = send(master, "web-1", type="disk_usage")
    wait_for(lambda: state(master, call_id) == "successful")
    task = {"id": answers(master, call_id)["web-1"]["task_id"], "callback": call_id, "state": "failed", "why": "no"}

    def hand_over(node: str, token: str, **changed: Any) -> requests.Response:
        url, headers = f"{master.url}/api/v1/nodes/{node}/results", {"Authorization": f"Bearer {token}"}
        return requests.post(url, json={**task, **changed}, headers=headers, timeout=10)

    assert hand_over("web-1", token_of(worker.home)).json() == {"accepted": False}
    assert state(master, call_id) == "successful"
    assert hand_over("web-1", token_of(other.home)).status_code == 403
    assert hand_over("web-2", token_of(other.home)).status_code == 404
    assert hand_over("web-1", token_of(worker.home), callback="20261121T000000-ffffff").status_code == 404
    assert hand_over("web-1", "wrong").status_code == 401


def test_a_token_is_changed_without_a_gap_and_a_node_is_shut_out_at_once(master: Master, add_worker: AddWorker) -> None:
    worker = add_worker()

    def works() -> bool:
        call_id = send(master, "web-1", type="disk_usage")
        wait_for(lambda: master.call("GET", f"/api/v1/calls/{call_id}").json()["ended"])
        return state(master, call_id) == "successful"

    def beat(token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return requests.post(
            f"{master.url}/api/v1/nodes/web-1/heartbeats", json={}, headers=headers, timeout=10
        ).status_code

    assert works()
    old, new = token_of(worker.home), master.command("node", "token", "web-1").split()[-1]
    accepted_before = (worker.home / "instance" / "accepted_tokens.json").read_text()
    assert works()
    assert [beat(each) for each in (old, new)] == [422, 422]  # known, and refused for what they say
    words = [sys.executable, "run.py", "join", master.url, "--name", "web-1"]
    subprocess.run(words, input=new, cwd=CHECKOUT, env=worker.environment, text=True, check=True, capture_output=True)
    wait_for(lambda: (worker.home / "instance" / "accepted_tokens.json").read_text() != accepted_before)
    assert works()
    master.command("node", "revoke", "web-1")
    assert [beat(each) for each in (old, new)] == [401, 401]
    refused = master.call("POST", "/api/v1/calls", json={"nodes": ["web-1"], "type": "disk_usage"})
    assert (refused.status_code, "shut out" in refused.json()["detail"]) == (422, True)


def test_a_worker_refuses_everybody_but_its_master(master: Master, add_worker: AddWorker) -> None:
    worker = add_worker()
    for token in ("wrong", token_of(worker.home), token_of(master.home)):
        headers = {"Authorization": f"Bearer {token}"}
        assert requests.get(f"{worker.url}/api/v1/tasks", headers=headers, timeout=5).status_code == 401
    assert requests.get(f"{worker.url}/commands", timeout=5).status_code == 401
    assert '"api:call"' in audit_of(worker.home)


def test_a_worker_asks_the_master_for_what_it_may_and_both_write_it_down(master: Master, add_worker: AddWorker) -> None:
    worker = add_worker()
    body = {"type": "disk_usage", "target": "master"}

    def asked() -> dict[str, Any]:
        call_id = send(master, "web-1", method="POST", path="/api/v1/tasks", body=body)
        wait_for(lambda: master.call("GET", f"/api/v1/calls/{call_id}").json()["ended"])
        return answers(master, call_id)["web-1"]

    refused = asked()
    assert (refused["http_status"], "may not ask" in refused["why"]) == (403, True)
    nodes = Nodes(Database(settings_of(master)), Journal(master.home / "audit", "master"), settings_of(master))
    nodes.change("web-1", Actor("tests", "terminal", "local"), address=worker.url, may_ask=["disk_usage"])
    allowed = asked()
    assert (allowed["http_status"], allowed["result"]["requested_by"]) == (200, "web-1")
    assert '"task:forward"' in audit_of(worker.home)
    assert any('"task:start"' in line and '"web-1"' in line for line in audit_of(master.home).splitlines())


def test_what_is_wrong_with_a_node_is_said_so_that_people_can_act(master: Master, add_worker: AddWorker) -> None:
    worker = add_worker()
    worker.stop()
    call_id = send(master, "web-1", type="disk_usage")
    wait_for(lambda: state(master, call_id) == "unreachable")
    assert "Nothing listens at its address" in answers(master, call_id)["web-1"]["why"]


def test_the_master_does_tasks_for_scripts_by_the_same_routes(master: Master, tmp_path: Path) -> None:
    types = {each["name"]: each for each in master.call("GET", "/api/v1/tasks/types").json()["types"]}
    assert types["list_folder"]["schema"]["properties"]["limit"]["maximum"] == 5000
    done = master.call("POST", "/api/v1/tasks", json={"type": "list_folder", "params": {"path": str(tmp_path)}})
    assert (done.status_code, done.json()["state"], done.json()["requested_by"]) == (200, "successful", "admin/tests")
    body = {"type": "wait_for_file", "params": {"path": str(tmp_path / "go")}, "wait": 0}
    slow = master.call("POST", "/api/v1/tasks", json=body)
    where = slow.headers["Location"]
    assert (slow.status_code, slow.json()["warning"][:19]) == (202, "The task goes on. I")
    assert [each["id"] for each in master.call("GET", "/api/v1/tasks?state=running").json()["tasks"]] == [
        slow.json()["id"]
    ]
    assert master.call("POST", f"{where}/cancel").json()["why"] == "Canceled by admin/tests."
    assert master.call("GET", where).json()["state"] == "canceled"
    assert master.call("POST", f"{where}/cancel").status_code == 409
    assert master.call("GET", "/api/v1/tasks/20261121T000000-ffffff").status_code == 404


def test_one_task_too_many_is_told_when_to_come_again(tmp_path: Path, site: Path) -> None:
    home = tmp_path / "busy"
    home.mkdir()
    settings = {"SELFSERVICE_TASKS_FOLDER": str(site), "SELFSERVICE_PARALLEL_TASKS": "1"}
    master = master_module.start(home, INVENTORY, **settings)
    try:
        body = {"type": "wait_for_file", "params": {"path": str(tmp_path / "go")}, "wait": 0}
        assert master.call("POST", "/api/v1/tasks", json=body).status_code == 202
        full = master.call("POST", "/api/v1/tasks", json={"type": "disk_usage"})
        assert (full.status_code, full.headers["Retry-After"]) == (429, "5")
    finally:
        master.stop()


def test_joining_says_what_is_wrong(master: Master, add_worker: AddWorker) -> None:
    worker = add_worker()

    def joined(url: str, token: str, name: str = "web-1") -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "run.py", "join", url, "--name", name], input=token, cwd=CHECKOUT,
            env=worker.environment, capture_output=True, text=True,
        )  # fmt: skip
        assert "Traceback" not in done.stderr
        return done.returncode, done.stderr

    token = token_of(worker.home)
    for url, sent, name, words in (
        ("http://127.0.0.1:1", token, "web-1", "Nothing listens"),
        (master.url, "ssn_wrong", "web-1", "does not know this node's token"),
        (master.url, token, "web-2", "cannot speak for web-2"),
        (master.url, "", "web-1", "paste what the master has shown"),
        ("http://selfservice.example.org", token, "web-1", "Only https"),
    ):
        code, said = joined(url, sent, name)
        assert (code, words in said) == (2, True), said
    assert token_of(worker.home) == token


@pytest.mark.parametrize(
    "body, status",
    [
        (b"no json", 422), (b"[]", 422), (b"[" * 10_000 + b"]" * 10_000, 422), (b'{"type": 5}', 422),
        (b'{"type": "disk_usage", "params": []}', 422), (b'{"type": "disk_usage", "wait": true}', 422),
        (b'{"type": "disk_usage", "wait": 1e99}', 422), (b'{"type": "disk_usage", "callback": 1}', 422),
        (b'{"type": "nothing"}', 404), (b'{"type": "disk_usage", "extra": 1}', 422), (b"x" * 1_100_000, 413),
    ],
)  # fmt: skip
def test_bad_requests_are_refused_and_the_node_goes_on(worker_alone: Worker, body: bytes, status: int) -> None:
    headers = {"Authorization": f"Bearer {token_of(worker_alone.home)}", "Content-Type": "application/json"}
    answer = requests.post(f"{worker_alone.url}/api/v1/tasks", data=body, headers=headers, timeout=10)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert requests.get(f"{worker_alone.url}/healthz", timeout=5).status_code == 200


@pytest.fixture(scope="module")
def worker_alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """The worker of a master alone: it knows its own token."""
    home = tmp_path_factory.mktemp("alone")
    made = master_module.start(home, INVENTORY)
    yield Worker("master", home, made.worker_url, {})
    made.stop()


@pytest.fixture
def certificate(tmp_path: Path) -> dict[str, str]:
    """Settings of a node with a certificate of a private CA, which is in ca.pem."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    made = authority.issue_cert("127.0.0.1", *ADDRESSES)
    made.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    for blob in made.cert_chain_pems:
        blob.write_to_path(str(tmp_path / "cert.pem"), append=True)
    return {
        "SELFSERVICE_TLS_CERTIFICATE": str(tmp_path / "cert.pem"),
        "SELFSERVICE_TLS_KEY": str(tmp_path / "key.pem"),
    }


def test_nodes_know_one_another_by_certificates_of_a_private_ca(tmp_path: Path, certificate: dict[str, str]) -> None:
    home, authority = tmp_path / "master", str(tmp_path / "ca.pem")
    home.mkdir()
    master = master_module.start(home, INVENTORY, ca_file=authority, **certificate)
    ports = {name: master.environment[name] for name in ("SELFSERVICE_PORT", "SELFSERVICE_WORKER_PORT")}
    worker = worker_module.add(master, "web-1", tmp_path / "web-1", SELFSERVICE_CA_FILE=authority, **certificate)
    worker.start()

    def became(node: str) -> str:
        call_id = send(master, node, type="disk_usage")
        wait_for(lambda: master.call("GET", f"/api/v1/calls/{call_id}").json()["ended"])
        return state(master, call_id, node)

    try:
        assert (became("web-1"), became("master")) == ("unreachable", "successful")  # no CA is named
        token = master.token
        master.stop()
        master = master_module.start(home, ca_file=authority, SELFSERVICE_CA_FILE=authority, **ports, **certificate)
        master.token = token
        assert (became("web-1"), became("master")) == ("successful", "successful")
        wait_for(lambda: (home / "instance" / "health" / "master" / "latest.json").exists())
    finally:
        worker.stop()
        master.stop()


@pytest.fixture
def cable(tmp_path: Path) -> Iterator[str]:
    """The name of a network namespace, with a cable from this machine to it that can be pulled."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("needs root and the Debian package iproute2")
    name = f"ss{os.getpid()}"
    here, there = ADDRESSES
    for words in (
        f"netns add {name}", f"link add {name}a type veth peer name {name}b", f"link set {name}b netns {name}",
        f"addr add {here}/30 dev {name}a", f"link set {name}a up", f"-n {name} addr add {there}/30 dev {name}b",
        f"-n {name} link set {name}b up", f"-n {name} link set lo up",
    ):  # fmt: skip
        if subprocess.run(["ip", *words.split()], capture_output=True).returncode:
            subprocess.run(["ip", "netns", "del", name], capture_output=True)
            pytest.skip("needs the right to make network namespaces")
    yield name
    subprocess.run(["ip", "link", "del", f"{name}a"], check=True)
    subprocess.run(["ip", "netns", "del", name], check=True)


def test_what_a_worker_did_while_its_network_was_cut_arrives_and_people_know_of_the_cut(
    tmp_path: Path, site: Path, certificate: dict[str, str], cable: str
) -> None:
    home, authority = tmp_path / "master", str(tmp_path / "ca.pem")
    home.mkdir()
    settings = {"SELFSERVICE_CA_FILE": authority, "SELFSERVICE_TASKS_FOLDER": str(site), **certificate}
    settings["SELFSERVICE_HEARTBEAT_SECONDS"] = "1"
    here, there = ADDRESSES
    master = master_module.start(home, INVENTORY, host=here, ca_file=authority, **settings)
    (home / "instance" / "health.yml").write_text("defaults: {late_after: 5, down_after: 10, load_per_cpu: 1000}\n")
    inside = ("ip", "netns", "exec", cable)
    worker = worker_module.add(master, "web-1", tmp_path / "web-1", host=there, prefix=inside, **settings)

    def health() -> str:
        return str(master.call("GET", "/api/v1/nodes/web-1/health").json()["state"])

    try:
        worker.start()
        wait_for(lambda: health() == "healthy")
        call_id = send(master, "web-1", type="wait_for_file", params={"path": str(tmp_path / "go")}, wait=0)
        wait_for(lambda: state(master, call_id) == "later")
        subprocess.run(["ip", "link", "set", f"{cable}a", "down"], check=True)
        wait_for(lambda: health() == "down")
        (tmp_path / "go").touch()
        wait_for(lambda: list((worker.home / "instance" / "outbox").glob("*.json")))
        assert state(master, call_id) == "later"
        subprocess.run(["ip", "link", "set", f"{cable}a", "up"], check=True)
        wait_for(lambda: state(master, call_id) == "successful", 60)
        wait_for(lambda: health() == "healthy", 60)
        told = [each["message"] for each in master.call("GET", "/api/v1/alerts").json()["alerts"]]
        assert sum("web-1 is down" in message for message in told) == 1
        assert sum("web-1 is healthy again" in message for message in told) == 1
    finally:
        worker.stop()
        master.stop()
