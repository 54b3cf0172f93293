"""A process and its supervisor: callers wait while it is away, it may rest, and it never outlives who started it."""

from __future__ import annotations

import errno
import os
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from selfservice.node import watched
from selfservice.node.watched import RESTS, Watched, end_with
from selfservice.settings import Settings
from tests.ports import free_port
from tests.system.conftest import wait_for

_NOT_OUR_PARENT = 1

#: Answers one caller, and ends with the code that it says.
_PROGRAM = """
import socket, sys
with socket.socket(fileno=int(sys.argv[2].removeprefix("--listener="))) as listener:
    with open("starts", "a") as starts:
        starts.write(sys.argv[1] + "\\n")
    caller, _ = listener.accept()
    code = caller.recv(10).decode()
    caller.send(b"answered")
    caller.close()
sys.exit(int(code))
"""


class Site:
    """A process, and who calls it."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self._folder = folder
        self.port = settings.port
        self.process = Watched("web", settings, listens_as="web")

    def starts(self) -> int:
        """How often it has started."""
        path = self._folder / "starts"
        return len(path.read_text().splitlines()) if path.exists() else 0

    def call(self, code: int) -> str:
        """Call it, have it end with `code`, and look after it until it has answered."""
        with socket.create_connection(("127.0.0.1", self.port), 5) as caller:
            caller.send(str(code).encode())
            wait_for(lambda: self._has_answered(caller))
            return caller.recv(10).decode()

    def is_refused(self) -> bool:
        """Look after it, and whether nobody listens there."""
        self.process.look_after()
        with socket.socket() as caller:
            return caller.connect_ex(("127.0.0.1", self.port)) == errno.ECONNREFUSED

    def look_until_started(self, times: int) -> None:
        """Look after it until it has started so often."""

        def started() -> bool:
            self.process.look_after()
            return self.starts() == times

        wait_for(started)

    def _has_answered(self, caller: socket.socket) -> bool:
        self.process.look_after()
        return bool(select.select([caller], [], [], 0)[0])


@pytest.fixture
def site(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    (tmp_path / "run.py").write_text(_PROGRAM)
    monkeypatch.setattr(watched, "CHECKOUT", tmp_path)
    site = Site(tmp_path, replace(settings, port=free_port()))
    yield site
    site.process.tell_to_end()
    site.process.end(5)


def test_who_calls_while_it_is_started_again_waits_and_is_answered(site: Site) -> None:
    site.look_until_started(1)
    assert [site.call(1), site.call(1)] == ["answered", "answered"]
    assert site.starts() == 2


def test_one_that_had_nothing_to_do_is_started_by_the_next_call(site: Site) -> None:
    site.look_until_started(1)
    assert site.call(RESTS) == "answered"
    wait_for(lambda: site.process.look_after() is None and site.process.awaited())
    assert site.starts() == 1
    assert site.call(0) == "answered"
    assert site.starts() == 2


def test_who_calls_one_that_refuses_to_start_is_refused(site: Site) -> None:
    site.look_until_started(1)
    site.call(watched.REFUSED)
    wait_for(site.is_refused)


def test_a_port_that_somebody_has_is_told_and_tried_again(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", site.port)):
        site.process.look_after()
    assert "cannot be listened on (Address already in use)" in caplog.text
    assert "let SELFSERVICE_PORT name another port" in caplog.text
    site.look_until_started(1)


def test_a_process_whose_supervisor_has_died_before_it_began_does_not_begin() -> None:
    words = [sys.executable, "-c", "print('begun')"]
    begun = subprocess.run(words, preexec_fn=partial(end_with, os.getpid()), capture_output=True, text=True)
    assert begun.stdout == "begun\n"
    orphan = subprocess.run(words, preexec_fn=partial(end_with, _NOT_OUR_PARENT), capture_output=True, text=True)
    assert (orphan.returncode, orphan.stdout) == (1, "")
