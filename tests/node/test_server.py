"""What gunicorn's arbiter would see to: an answer for who is waiting, and an end for what hangs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from selfservice.settings import CHECKOUT
from tests.ports import free_port
from tests.system.conftest import wait_for

#: An application that hangs or takes its time, served as the dashboard is.
_PROGRAM = """
import time
from flask import Flask
from selfservice import settings
from selfservice.node import listening, server

app = Flask("test")

@app.get("/healthz")
def healthz():
    return "ready"

@app.get("/hang")
def hang():
    while True:
        pass

@app.get("/slow")
def slow():
    print("asked", flush=True)
    time.sleep(1)
    return "done"

server._HANGS_SECONDS = 2
server._dashboard = lambda settings: app
own = settings.load()
server.serve_dashboard(own, listening.listen(own, "web"))
"""

Start = Callable[[], "tuple[subprocess.Popen[str], str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def start() -> tuple[subprocess.Popen[str], str]:
        port = free_port()
        environment = {**os.environ, "SELFSERVICE_HOME": str(tmp_path), "SELFSERVICE_PORT": str(port)}
        with (tmp_path / "stderr").open("w") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM], cwd=CHECKOUT, env=environment, text=True,
                stdout=subprocess.PIPE, stderr=stderr,
            )  # fmt: skip
        started.append(process)
        url = f"http://127.0.0.1:{port}"

        def answers() -> bool:
            try:
                return requests.get(f"{url}/healthz", timeout=2).text == "ready"
            except requests.RequestException:  # not there yet
                return False

        wait_for(answers)
        return process, url

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_a_process_that_hangs_says_where_and_ends(start: Start, tmp_path: Path) -> None:
    process, url = start()
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{url}/hang", timeout=30)
    assert process.wait(10) == 1
    assert "in hang" in (tmp_path / "stderr").read_text()


def test_who_waits_has_an_answer_before_it_ends(start: Start) -> None:
    process, url = start()
    answers: list[str] = []
    asking = threading.Thread(target=lambda: answers.append(requests.get(f"{url}/slow", timeout=30).text))
    asking.start()
    assert process.stdout is not None
    assert process.stdout.readline() == "asked\n"
    process.send_signal(signal.SIGTERM)
    asking.join()
    assert (answers, process.wait(10)) == (["done"], 0)
