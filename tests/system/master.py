"""A whole master as a user starts it: run.py with all its processes, on a home and ports of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from selfservice.node import people
from selfservice.settings import CHECKOUT, load
from tests.ports import free_port

PASSWORD = "correct horse battery staple"


@dataclass
class Master:
    """A running master; `stop` ends it."""

    home: Path
    url: str
    worker_url: str
    process: subprocess.Popen[bytes]
    environment: dict[str, str]
    token: str = ""
    #: The CA of its certificate, or True where it has none.
    verify: str | bool = True

    def call(self, method: str, path: str, **named: Any) -> requests.Response:
        """Call its API with a token of its own."""
        if not self.token:
            self.token = people.create_token(load(self.environment), "tests", "administer", "admin")
        headers = {"Authorization": f"Bearer {self.token}"}
        return requests.request(method, f"{self.url}{path}", headers=headers, timeout=30, verify=self.verify, **named)

    def command(self, *words: str) -> str:
        """What `python run.py …` prints."""
        done = subprocess.run(
            [sys.executable, "run.py", *words],
            cwd=CHECKOUT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def stop(self) -> None:
        """End it, and whatever it runs."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)


def start(
    home: Path, inventory: str | None = None, *, host: str = "127.0.0.1", ca_file: str = "", **settings: str
) -> Master:
    """Start a master and wait until it is ready; with TLS where a CA of its certificate is named."""
    master = launch(home, inventory, host=host, ca_file=ca_file, **settings)
    try:
        _wait_until_ready(master)
    except AssertionError:
        master.process.kill()
        master.process.wait()
        raise
    return master


def launch(
    home: Path, inventory: str | None = None, *, host: str = "127.0.0.1", ca_file: str = "", **settings: str
) -> Master:
    """Start a master, and wait for nothing."""
    if inventory is not None:
        (home / "inventory").mkdir(parents=True, exist_ok=True)
        (home / "inventory" / "hosts.yml").write_text(inventory)
    _judge_mildly(home)
    port, worker_port = free_port(), free_port()
    passed = {name: value for name, value in os.environ.items() if not name.startswith("SELFSERVICE_")}
    environment = {
        **passed,
        "SELFSERVICE_TYPE": "MASTER",
        "SELFSERVICE_HOME": str(home),
        "SELFSERVICE_HOST": host,
        "SELFSERVICE_PORT": str(port),
        "SELFSERVICE_WORKER_PORT": str(worker_port),
        "SELFSERVICE_ADMIN_PASSWORD": PASSWORD,
        "SELFSERVICE_VAULT_KEYS": str(home.with_name(f"{home.name}-vault-keys")),
        **settings,
    }
    with (home / "master.log").open("ab") as log:
        process = subprocess.Popen([sys.executable, "run.py"], cwd=CHECKOUT, env=environment, stdout=log, stderr=log)
    port, worker_port = int(environment["SELFSERVICE_PORT"]), int(environment["SELFSERVICE_WORKER_PORT"])
    worker_url = f"http://127.0.0.1:{worker_port}"
    url = f"{'https' if ca_file else 'http'}://{host}:{port}"
    return Master(home, url, worker_url, process, environment, verify=ca_file or True)


def _judge_mildly(home: Path) -> None:
    """A machine that is busy with tests is no news."""
    (home / "instance").mkdir(mode=0o700, exist_ok=True)
    limits = "defaults: {load_per_cpu: 1000, memory_percent: 100, disk_percent: 100, clock_offset: 3600}\n"
    path = home / "instance" / "health.yml"
    path.touch(mode=0o600)
    path.write_text(limits)


def _wait_until_ready(master: Master) -> None:
    deadline = time.monotonic() + 90  # seconds; a second or two where the machine has nothing else to do
    while time.monotonic() < deadline:
        assert master.process.poll() is None, (master.home / "master.log").read_text()
        try:
            urls = (f"{master.url}/healthz", f"{master.worker_url}/healthz")
            if all(requests.get(url, timeout=2, verify=master.verify).status_code == 200 for url in urls):
                return
        except (requests.ConnectionError, requests.Timeout):
            pass
        time.sleep(0.02)
    raise AssertionError((master.home / "master.log").read_text())
