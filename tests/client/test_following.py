"""Following a run over whatever happens to the connection, against a stand-in of a dashboard on the wire."""

from __future__ import annotations

import io
import json
import signal
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from selfservice.client.connection import Connection, ConnectionLost, Refused
from selfservice.client.dashboards import Dashboard
from selfservice.client.following import Follower, exit_code
from selfservice.client.interrupts import Interrupts
from selfservice.client.screen import Screen

Events = list[tuple[str, dict[str, Any]]]


class Stand(ThreadingHTTPServer):
    """A dashboard with one run, whose stream breaks off after each list of `streams`."""

    daemon_threads = True

    def __init__(self, output: bytes, streams: list[Events]) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.output = output
        self.streams = streams
        self.launched: list[str] = []
        #: Launches that are done, and whose answer never arrives.
        self.lost_answers = 0


class Answers(BaseHTTPRequestHandler):
    """What it answers."""

    protocol_version = "HTTP/1.1"
    server: Stand

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path.endswith("/output"):
            offset = int(parse_qs(url.query)["offset"][0])
            self._say(200, self.server.output[offset : offset + 5], {"X-Output-Size": str(len(self.server.output))})
        elif self.server.streams:
            self._stream(self.server.streams.pop(0))
        else:
            self._say(503, b"", {})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.launched.append(self.headers["Idempotency-Key"])
        if self.server.lost_answers:
            self.server.lost_answers -= 1
            self.close_connection = True
            return
        self._say(201, b'{"id": "x"}', {})

    def _stream(self, events: Events) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for name, data in events:
            line = f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
        self.close_connection = True  # in the middle: the last chunk is missing

    def _say(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def stand() -> Iterator[Stand]:
    made = Stand(b"one\ntwo\nthree\n", [])
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def connected(stand: Stand) -> Connection:
    return Connection(Dashboard("stand", f"http://127.0.0.1:{stand.server_port}", "token"))


def test_a_broken_stream_is_taken_up_again_and_nothing_is_shown_twice(stand: Stand) -> None:
    stand.streams = [
        [("output", {"size": 4})],
        [],
        [("output", {"size": 14}), ("alive", {}), ("end", {"state": "successful"})],
    ]
    out, waits = io.StringIO(), list[float]()
    Follower(connected(stand), "x", Screen(out), Interrupts(), waits.append).go_on()
    assert out.getvalue() == "one\ntwo\nthree\n"
    assert len(waits) == 2


def test_the_person_is_told_when_the_connection_is_lost_and_when_it_is_back(
    stand: Stand, capsys: pytest.CaptureFixture[str]
) -> None:
    stand.streams = [[], [], [], [("end", {"state": "failed"})]]
    Follower(connected(stand), "x", Screen(io.StringIO()), Interrupts(), lambda _: None).go_on()
    told = capsys.readouterr().err
    assert told.count("Trying again") == 1
    assert told.count("The connection is back.") == 1


def test_a_dashboard_that_stays_away_is_given_up_with_what_to_do(stand: Stand) -> None:
    with pytest.raises(ConnectionLost, match="The run goes on; `selfservice logs -f x` follows it"):
        Follower(connected(stand), "x", Screen(io.StringIO()), Interrupts(), lambda _: None).go_on()


def test_a_launch_whose_answer_was_lost_is_sent_again_with_the_same_key(stand: Stand) -> None:
    stand.lost_answers = 1
    assert connected(stand).launch("/commands", {}) == {"id": "x"}
    assert len(stand.launched) == 2
    assert len(set(stand.launched)) == 1


def test_what_is_no_dashboard_is_told_in_a_sentence(stand: Stand) -> None:
    with pytest.raises(Refused, match="not JSON"):
        connected(stand).get("/runs/x/output", offset="2")


def test_ctrl_c_waits_until_what_is_being_shown_is_remembered() -> None:
    done = False
    with Interrupts() as interrupts, pytest.raises(KeyboardInterrupt), interrupts.held():
        signal.raise_signal(signal.SIGINT)
        done = True
    assert done


def test_a_second_ctrl_c_waits_for_nothing() -> None:
    with Interrupts() as interrupts, pytest.raises(KeyboardInterrupt), interrupts.held():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        pytest.fail("it should have been raised")


@pytest.mark.parametrize(
    "state, rc, code",
    [
        ("successful", 0, 0), ("failed", 2, 2), ("failed", 4, 4), ("failed", None, 2),
        ("timed_out", None, 124), ("canceled", None, 130), ("lost", None, 1),
    ],
)  # fmt: skip
def test_a_run_ends_the_command_with_its_code(state: str, rc: int | None, code: int) -> None:
    assert exit_code({"state": state, "rc": rc}) == code
