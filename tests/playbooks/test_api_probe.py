"""The API probe against a real TLS server with certificates made for the test."""

from __future__ import annotations

import ipaddress
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.playbooks.conftest import PLAYBOOKS, Played, ansible_playbook, together
from tests.ports import free_port

CHANGED_NOTHING = "changed=0 "


def certificate(folder: Path, *, days: float = 90, address: str = "127.0.0.1") -> Path:
    """A self-signed certificate with its key, in one file."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "probe")])
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=400))
        .not_valid_after(now + timedelta(days=days, minutes=5))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"certificate-{days}-{address}.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


class Answers(BaseHTTPRequestHandler):
    """Answers as the path says."""

    def do_GET(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        if self.path == "/trickle":
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            while not self.server.over.wait(0.2):  # type: ignore[attr-defined]
                try:
                    self.wfile.write(b"X")
                except OSError:
                    return
            return
        if self.path == "/garbage":
            self.wfile.write(b"\x00\xff nonsense\r\n\r\n")
            return
        self.send_response(503 if self.path == "/ill" else 302 if self.path == "/elsewhere" else 200)
        self.send_header("Location", "/")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@dataclass
class Server:
    """A server that runs, and what it was asked."""

    port: int
    asked: list[str]


@pytest.fixture
def serve() -> Iterator[Callable[[Path | None], Server]]:
    started: list[ThreadingHTTPServer] = []

    def go(pem: Path | None) -> Server:
        server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        server.daemon_threads = True
        server.asked, server.over = [], threading.Event()  # type: ignore[attr-defined]
        if pem:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(pem)
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        started.append(server)
        return Server(server.server_port, server.asked)  # type: ignore[attr-defined]

    yield go
    for server in started:
        server.over.set()  # type: ignore[attr-defined]
        server.shutdown()
        server.server_close()


@pytest.fixture
def probe(tmp_path: Path) -> Callable[..., Played]:
    """Probe one host, which nobody could sign in to."""
    inventory = tmp_path / "hosts.yml"
    inventory.write_text("all: {hosts: {old-1: {ansible_host: 127.0.0.1, ansible_port: 1}}}")

    def go(*switches: str, **values: Any) -> Played:
        path = tmp_path / f"playbook-{time.monotonic_ns()}.yml"
        path.write_text(
            yaml.safe_dump([{"import_playbook": str(PLAYBOOKS / "api_probe.yml"), "vars": values}]), encoding="utf-8"
        )
        return ansible_playbook("--inventory", str(inventory), *switches, str(path))

    return go


def test_an_answer_in_order_is_told_with_latency_and_days_for_real_and_in_a_preview(
    serve: Any, probe: Any, tmp_path: Path
) -> None:
    pem = certificate(tmp_path)
    server = serve(pem)
    values = {"url": f"https://{{host}}:{server.port}/healthz?a=b", "ca_file": str(pem)}
    for played in together(lambda: probe(**values), lambda: probe("--check", "--diff", **values)):
        assert played.rc == 0, played.output
        assert CHANGED_NOTHING in played.output
        assert '"Status: 200"' in played.output
        assert '"Certificate: 90 days left"' in played.output
        assert "Healthy." in played.output
    assert server.asked == ["/healthz?a=b"] * 2


def test_each_limit_that_is_passed_is_a_sentence(serve: Any, probe: Any, tmp_path: Path) -> None:
    pem = certificate(tmp_path, days=5)
    server = serve(pem)
    base = f"https://{{host}}:{server.port}"
    ill, elsewhere, slow = together(
        lambda: probe(url=f"{base}/ill", ca_file=str(pem)),
        lambda: probe(url=f"{base}/elsewhere", verify=False, certificate_days=5),
        lambda: probe(url=f"{base}/", verify=False, latency_ms=-1, certificate_days=0),
    )
    assert "The status is 503, right is 200. The certificate has 5 days left, needed are 14." in ill.output
    assert "The status is 302, right is 200." in elsewhere.output
    assert "days left, needed" not in elsewhere.output
    assert " ms, allowed are -1 ms." in slow.output
    assert [played.rc for played in (ill, elsewhere, slow)] == [2, 2, 2]


def test_what_does_not_answer_is_told_with_the_reason(serve: Any, probe: Any, tmp_path: Path) -> None:
    good, other, expired = (
        certificate(tmp_path),
        certificate(tmp_path, address="192.0.2.1"),
        certificate(tmp_path, days=-3),
    )
    plain = serve(None).port
    cases = {
        "The connection was refused: nothing listens there.": {"url": f"https://{{host}}:{free_port()}/"},
        "The certificate cannot be trusted: self-signed certificate.": {"url": f"https://{{host}}:{serve(good).port}/"},
        "certificate is not valid for '127.0.0.1'": {
            "url": f"https://{{host}}:{serve(other).port}/",
            "ca_file": str(other),
        },
        "The certificate cannot be trusted: certificate has expired.": {
            "url": f"https://{{host}}:{serve(expired).port}/",
            "ca_file": str(expired),
        },
        "The certificate has -3 days left, needed are 14.": {
            "url": f"https://{{host}}:{serve(expired).port}/",
            "verify": False,
        },
        "No TLS connection came about": {"url": f"https://{{host}}:{plain}/"},
        "There was no answer within 1 s.": {"url": f"http://{{host}}:{plain}/trickle", "timeout_seconds": 1},
        "There was no answer: ": {"url": f"http://{{host}}:{plain}/garbage"},
        "only http and https addresses": {"url": "file:///etc/passwd"},
        "The longest wait must be 1 to 3600 seconds.": {"url": f"http://{{host}}:{plain}/", "timeout_seconds": 0},
    }
    for sentence, played in zip(
        cases, together(*(lambda values=values: probe(**values) for values in cases.values())), strict=True
    ):
        assert played.rc == 2, played.output
        assert sentence in " ".join(played.output.split()), (sentence, played.output)
