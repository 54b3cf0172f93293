"""A master in a folder of its own, and a browser that is signed in there."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import requests

from selfservice.runs import processes
from selfservice.settings import Settings, load
from selfservice.store.ids import is_id
from tests.system import master
from tests.system.master import PASSWORD, Master

#: The master alone, without SSH.
INVENTORY = """\
all:
  hosts:
    master:
      ansible_connection: local
      ansible_python_interpreter: "{{ ansible_playbook_python }}"
"""


@contextmanager
def own_master(home: Path, inventory: str = INVENTORY, **settings: str) -> Iterator[Master]:
    """A master on ports of its own, for as long as this lasts."""
    home.mkdir(parents=True, exist_ok=True)
    started = master.start(home, inventory, **settings)
    try:
        yield started
    finally:
        started.stop()
        for run_id in _still_running(home):  # what a benchmark that was ended has left: runs outlive their master
            processes.end_run(run_id, 0)


def wait_until_idle(started: Master) -> None:
    """Until all that a start does is done: the last is that runs can be forked."""
    until(lambda: "runs fork from process" in (started.home / "master.log").read_text())


def wait_until_all_rests(started: Master) -> None:
    """Until nothing is left of what is only there while somebody uses it: the worker API and the fork server."""
    until(lambda: not _processes_of(started, "worker") and not process_of(started, "executor").children(), 600)


def _still_running(home: Path) -> set[str]:
    words = (" ".join(each.info["cmdline"] or []).split() for each in psutil.process_iter(["cmdline"]))
    return {word for each in words for word in each if is_id(word) and (home / "artifacts" / word).exists()}


def settings_of(started: Master) -> Settings:
    """The settings that it runs with."""
    return load({name: value for name, value in started.environment.items() if name.startswith("SELFSERVICE_")})


def signed_in(started: Master, name: str = "admin", password: str = PASSWORD) -> requests.Session:
    """A session as that of a browser."""
    session = requests.Session()
    form = session.get(f"{started.url}/sign-in", timeout=60).text
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', form)
    assert found
    values = {"csrf_token": found[1], "name": name, "password": password}
    session.post(f"{started.url}/sign-in", data=values, timeout=60).raise_for_status()
    return session


def process_of(started: Master, role: str) -> psutil.Process:
    """Its process `role`: web, executor or worker."""
    return _processes_of(started, role)[0]


def _processes_of(started: Master, role: str) -> list[psutil.Process]:
    children = psutil.Process(started.process.pid).children()
    # Of one that has ended and nobody has buried yet, the words are None.
    return [each for each in children if (each.as_dict(["cmdline"])["cmdline"] or [])[2:3] == [role]]


def memory_of(process: psutil.Process) -> tuple[float, float]:
    """What a process takes up now and took at most, in MiB; what it shares with others counts in part."""
    peak = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())
    if peak is None:
        raise psutil.ZombieProcess(process.pid)
    return process.memory_full_info().pss / 2**20, int(peak[1]) / 1024


def until(condition: Callable[[], bool], seconds: float = 180) -> None:
    """Wait for `condition`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.2)


def ended(started: Master, run_id: str, seconds: float = 600) -> str:
    """The state in which a run ends."""
    going_on = {"queued", "running"}

    def state() -> str:
        return str(started.call("GET", f"/api/v1/runs/{run_id}").json()["state"])

    until(lambda: state() not in going_on, seconds)
    return state()


def launch(started: Master, command: str, hosts: str = "master", **more: object) -> str:
    """The id of a new run of a command."""
    answer = started.call("POST", "/api/v1/commands", json={"command": command, "hosts": hosts, **more})
    answer.raise_for_status()
    return str(answer.json()["id"])


def launch_operation(started: Master, name: str, hosts: str = "master") -> str:
    """The id of a new run of a playbook."""
    answer = started.call("POST", f"/api/v1/operations/{name}/runs", json={"hosts": hosts})
    answer.raise_for_status()
    return str(answer.json()["id"])


def timed(call: Callable[[], requests.Response]) -> float:
    """Milliseconds until a whole answer is there."""
    start = time.perf_counter()
    answer = call()
    answer.raise_for_status()
    return (time.perf_counter() - start) * 1000
