"""A whole worker as a user starts it: joined to a master with the token that it has shown, then run.py."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import requests

from selfservice.settings import CHECKOUT
from tests.ports import free_port
from tests.system.master import Master


@dataclass
class Worker:
    """A worker that belongs to a master."""

    name: str
    home: Path
    url: str
    environment: dict[str, str]
    #: Words before those that start it, such as `ip netns exec …`.
    prefix: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None

    def launch(self) -> None:
        """Start it, and wait for nothing."""
        with (self.home / "worker.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*self.prefix, sys.executable, "run.py"], cwd=CHECKOUT, env=self.environment, stdout=log, stderr=log
            )

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.launch()
        assert self.process is not None
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            assert self.process.poll() is None, (self.home / "worker.log").read_text()
            try:
                verify = self.environment.get("SELFSERVICE_CA_FILE", True)
                if requests.get(f"{self.url}/healthz", timeout=2, verify=verify).status_code == 200:
                    return
            except (requests.ConnectionError, requests.Timeout):
                pass
            time.sleep(0.02)
        raise AssertionError((self.home / "worker.log").read_text())

    def stop(self) -> None:
        """End it in good order."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(20)

    def kill(self) -> None:
        """End it, with all its processes, in no order at all."""
        assert self.process is not None
        for pid in [self.process.pid, *_below(self.process.pid)]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait(20)


def add(
    master: Master, name: str, home: Path, *, host: str = "127.0.0.1", prefix: tuple[str, ...] = (), **settings: str
) -> Worker:
    """A worker that has joined `master`, not started yet; with TLS where its settings name a certificate."""
    port = free_port()
    url = f"{'https' if 'SELFSERVICE_TLS_KEY' in settings else 'http'}://{host}:{port}"
    words = master.command("node", "add", name, "--address", url).split()
    token = next(word for word in words if word.startswith("ssn_"))
    home.mkdir(parents=True, exist_ok=True)
    passed = {key: value for key, value in os.environ.items() if not key.startswith("SELFSERVICE_")}
    environment = {
        **passed,
        "SELFSERVICE_TYPE": "WORKER",
        "SELFSERVICE_HOME": str(home),
        "SELFSERVICE_HOST": host,
        "SELFSERVICE_PORT": str(port),
        "SELFSERVICE_HEARTBEAT_SECONDS": "1",
        **settings,
    }
    done = subprocess.run(
        [*prefix, sys.executable, "run.py", "join", master.url, "--name", name],
        input=token,
        cwd=CHECKOUT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return Worker(name, home, url, environment, prefix)


def _below(pid: int) -> list[int]:
    """The processes that come from `pid`."""
    return [child.pid for child in psutil.Process(pid).children(recursive=True)]
