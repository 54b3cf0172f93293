"""How a dashboard is called: certificates checked, redirects not followed, the token sent to it alone."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme

from selfservice.client.connection import Connection, Refused
from selfservice.client.dashboards import Dashboard

Serve = Callable[..., Dashboard]


class Answers(BaseHTTPRequestHandler):
    """Says with which token it was called; `/moved` sends on, `/page` is no JSON."""

    def do_GET(self) -> None:
        moved = self.path.endswith("/moved")
        self.send_response(302 if moved else 200)
        if moved:
            self.send_header("Location", "https://elsewhere.example.org/")
        self.end_headers()
        if not self.path.endswith("/page"):
            self.wfile.write(b'{"token": "%s"}' % self.headers["Authorization"].encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a dashboard of sorts, over TLS where a context is given."""
    servers: list[tuple[ThreadingHTTPServer, threading.Thread]] = []

    def start(context: ssl.SSLContext | None = None) -> Dashboard:
        server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        servers.append((server, thread))
        return Dashboard("here", f"{'https' if context else 'http'}://127.0.0.1:{server.server_port}", "secret")

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_private_ca_is_accepted_where_it_is_named_and_not_otherwise(serve: Serve, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    dashboard = serve(context)
    with pytest.raises(Refused, match=r"certificate of https://127\.0\.0\.1:\d+ is not accepted.*--ca-file"):
        Connection(dashboard).get("/runs")
    named = replace(dashboard, ca_file=str(tmp_path / "ca.pem"))
    assert Connection(named).get("/runs") == {"token": "Bearer secret"}


def test_a_ca_file_that_is_gone_is_named(serve: Serve, tmp_path: Path) -> None:
    dashboard = replace(serve(), url="https://127.0.0.1:9", ca_file=str(tmp_path / "gone.pem"))
    with pytest.raises(Refused, match=r"gone\.pem cannot be used"):
        Connection(dashboard).get("/runs")


def test_a_redirect_is_told_and_not_followed(serve: Serve) -> None:
    with pytest.raises(Refused, match=r"sends you on to https://elsewhere\.example\.org/"):
        Connection(serve()).get("/moved")


def test_what_is_no_json_is_no_dashboard(serve: Serve) -> None:
    with pytest.raises(Refused, match="is it a dashboard of Selfservice"):
        Connection(serve()).get("/page")


def test_a_netrc_does_not_replace_the_token(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login eve password eve\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert Connection(serve()).get("/runs") == {"token": "Bearer secret"}
