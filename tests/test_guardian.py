"""Nothing outlives the tests that started it, however they end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from selfservice.settings import CHECKOUT

#: A test that starts a daemon, as executors start runs, and goes on for long.
STARTS_A_DAEMON = """
import subprocess, sys, time
from pathlib import Path

def test_goes_on() -> None:
    daemon = "import subprocess\\nprint(subprocess.Popen(['sleep', '600'], start_new_session=True, stdout=2).pid)"
    pid = subprocess.run([sys.executable, "-c", daemon], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    said = Path(__file__).with_name("said")
    said.with_suffix(".new").write_text(pid)
    said.with_suffix(".new").rename(said)
    time.sleep(600)
"""


XDIST = ("-n", "1")


@pytest.mark.parametrize(
    ("number", "depth", "words"),
    [
        (signal.SIGTERM, 0, ()),
        (signal.SIGTERM, 0, XDIST),
        (signal.SIGKILL, 0, ()),
        (signal.SIGKILL, 1, ()),
        (signal.SIGKILL, 2, ()),
        (signal.SIGKILL, 2, XDIST),
    ],
)
def test_nothing_outlives_the_tests(tmp_path: Path, number: signal.Signals, depth: int, words: tuple[str, ...]) -> None:
    (tmp_path / "test_daemon.py").write_text(STARTS_A_DAEMON)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.guardian", "--rootdir", tmp_path, tmp_path, *words]
    with (tmp_path / "log").open("wb") as log:
        started = subprocess.Popen(command, cwd=CHECKOUT, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    _wait_for(lambda: (tmp_path / "said").exists(), tmp_path)
    daemon = int((tmp_path / "said").read_text())
    chain = [started.pid]  # guardian, guardian, pytest
    for _ in range(2):
        chain.append(psutil.Process(chain[-1]).children()[0].pid)
    assert _alive(daemon)
    os.kill(chain[depth], number)
    _wait_for(lambda: not any(map(_alive, (daemon, *chain))), tmp_path)
    assert started.wait() != 0


def _alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _wait_for(condition: Callable[[], bool], folder: Path) -> None:
    deadline = time.monotonic() + 90
    while not condition():
        assert time.monotonic() < deadline, (folder / "log").read_text()
        time.sleep(0.02)
