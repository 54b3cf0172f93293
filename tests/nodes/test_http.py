"""Calls from node to node, against servers that behave badly."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from selfservice.nodes import http
from selfservice.nodes.http import (
    Answer,
    Call,
    NodeCertificate,
    NodeGarbage,
    NodeRefused,
    NodeTimedOut,
    NodeTrouble,
    NodeUnknown,
    refusal,
    send,
)
from selfservice.settings import Settings

Behaviour = Callable[[socket.socket], None]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}"


@contextmanager
def server(behave: Behaviour, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """The port of a server that does this to everybody who connects."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.05)

        def serve() -> None:
            while not over.is_set():
                try:
                    connection, _ = listening.accept()
                    with context.wrap_socket(connection, server_side=True) if context else connection as secure:
                        behave(secure)
                except (OSError, TimeoutError):
                    continue

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        over.set()
        thread.join()


def says(content: bytes) -> Behaviour:
    def behave(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(content)

    return behave


def slow(connection: socket.socket) -> None:
    """One byte at a time, for as long as anybody listens."""
    connection.recv(65536)
    gone = threading.Event()
    for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000:
        connection.sendall(bytes([byte]))
        gone.wait(0.02)


def silent(connection: socket.socket) -> None:
    while connection.recv(65536):
        continue


def call(port: int, **changed: object) -> Call:
    return replace(Call("GET", f"http://127.0.0.1:{port}/api/v1/node", "secret-token", seconds=5), **changed)


def test_an_answer_is_an_answer(settings: Settings) -> None:
    with server(says(OK)) as port:
        answer = send(settings, call(port))
    assert (answer.status, answer.json()) == (200, {})


def test_nobody_there_is_said(settings: Settings) -> None:
    with server(says(OK)) as port:
        pass
    with pytest.raises(NodeRefused, match="Nothing listens"):
        send(settings, call(port))


def test_a_name_that_leads_nowhere_is_said(settings: Settings) -> None:
    with pytest.raises(NodeUnknown):
        send(settings, replace(call(1), url="http://nothing.invalid:1/"))


@pytest.mark.parametrize("behave", [silent, slow])
def test_one_that_does_not_come_to_an_end_is_given_up(settings: Settings, behave: Behaviour) -> None:
    with server(behave) as port, pytest.raises(NodeTimedOut, match="no whole answer within 1 s"):
        send(settings, call(port, seconds=1))


@pytest.mark.parametrize("content", [b"", b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nx"])
def test_what_is_no_http_is_said_to_be_none(settings: Settings, content: bytes) -> None:
    with server(says(content)) as port, pytest.raises(NodeTrouble):
        send(settings, call(port))


def test_too_large_an_answer_is_not_read_to_its_end(settings: Settings) -> None:
    content = b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n" + b"x" * 9_000_000
    with server(says(content)) as port, pytest.raises(NodeGarbage, match="larger than"):
        send(settings, call(port))


def test_an_answer_that_unpacks_to_far_more_is_not_read_to_its_end(settings: Settings) -> None:
    packed = gzip.compress(b" " * 64 * 1024 * 1024)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    with server(says(head + packed)) as port, pytest.raises(NodeGarbage, match="larger than"):
        send(settings, call(port))


@pytest.mark.parametrize("body", [b"no json", b"[" * 100_000, b"\xff"])
def test_what_is_no_json_is_said_to_be_none(body: bytes) -> None:
    with pytest.raises(NodeGarbage):
        Answer(200, body, 0.1).json()


def test_redirects_are_not_followed_and_no_token_goes_along(settings: Settings) -> None:
    heard: list[bytes] = []

    def listens(connection: socket.socket) -> None:
        heard.append(connection.recv(65536))

    with server(listens) as elsewhere:
        content = f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{elsewhere}/\r\nContent-Length: 0\r\n\r\n".encode()
        with server(says(content)) as port:
            answer = send(settings, call(port))
    assert answer.status == 302
    assert "redirect" in refusal(answer)
    assert heard == []


def test_no_proxy_of_the_environment_is_used(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    with server(says(OK)) as port:
        assert send(settings, call(port)).status == 200


@pytest.fixture
def authority(tmp_path: Path) -> tuple[trustme.CA, str]:
    made = trustme.CA()
    made.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return made, str(tmp_path / "ca.pem")


def secured(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_a_certificate_of_a_private_ca_is_accepted_where_the_ca_is_named(
    settings: Settings, authority: tuple[trustme.CA, str]
) -> None:
    made, path = authority
    with server(says(OK), secured(made, "127.0.0.1")) as port:
        secure = call(port, url=f"https://127.0.0.1:{port}/")
        assert send(replace(settings, ca_file=path), secure).status == 200
        with pytest.raises(NodeCertificate, match="SELFSERVICE_CA_FILE"):
            send(settings, secure)
        assert send(replace(settings, verify_tls=False), secure).status == 200


def test_a_certificate_for_another_name_is_not_accepted(settings: Settings, authority: tuple[trustme.CA, str]) -> None:
    made, path = authority
    with server(says(OK), secured(made, "other.example.org")) as port, pytest.raises(NodeCertificate):
        send(replace(settings, ca_file=path), call(port, url=f"https://127.0.0.1:{port}/"))


def test_a_server_without_tls_is_told_from_one_with_a_bad_certificate(settings: Settings) -> None:
    with server(says(OK)) as port, pytest.raises(NodeTrouble):
        send(settings, call(port, url=f"https://127.0.0.1:{port}/"))


@pytest.mark.parametrize(
    "status, body, words",
    [
        (200, b"{}", ""),
        (401, b"{}", "does not accept the token"),
        (404, b'{"detail": "There is no such task."}', "There is no such task."),
        (429, b'{"detail": "Busy."}', "It is busy: Busy."),
        (500, b"<html>", "It failed (500). Its log says more."),
        (418, b"teapot", "It refused the call (418)."),
    ],
)
def test_a_refusal_says_what_to_do(status: int, body: bytes, words: str) -> None:
    found = refusal(Answer(status, body, 0.1))
    assert found == "" if not words else words in found


def test_all_troubles_have_a_word_of_their_own() -> None:
    kinds = [each.kind for each in (NodeRefused, NodeUnknown, NodeTimedOut, NodeCertificate, NodeGarbage)]
    assert len(set(kinds)) == len(kinds)
    assert http.NodeTrouble.kind not in kinds
