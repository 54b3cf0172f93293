"""A stand-in for somebody else's server: a Flask application on loopback, with faults that tests order."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@dataclass
class Fault:
    """What happens once to the next request whose method and path match, after the faults ordered before it."""

    method: str
    path: str
    #: The status line of the answer; empty for a connection that breaks.
    status: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    #: Whether the server does what was asked before it breaks off.
    done: bool = False


class Faults:
    """Stands before an application and spoils what it was told to."""

    def __init__(self, inner: Wsgi) -> None:
        self._inner = inner
        self.ordered: list[Fault] = []
        self.seen: list[str] = []

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        self.seen.append(f"{method} {path}")
        fault = self.ordered[0] if self.ordered else None
        if fault is None or fault.method != method or fault.path not in path:
            return self._inner(environ, start_response)
        self.ordered.pop(0)
        if fault.done:
            list(self._inner(environ, lambda *_: lambda _: None))
        if fault.status:
            start_response(fault.status, list(fault.headers.items()))
            return [fault.body]
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        return []


@dataclass
class StandIn:
    """A stand-in that answers."""

    url: str
    faults: Faults


@contextmanager
def serving(app: Flask) -> Iterator[StandIn]:
    """`app` on a port of its own, in a thread, for as long as the block lasts."""
    faults = Faults(app.wsgi_app)
    server = make_server("127.0.0.1", 0, faults, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield StandIn(f"http://127.0.0.1:{server.server_port}", faults)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Quiet(WSGIRequestHandler):
    def log(self, *_: Any, **__: Any) -> None:
        """Nobody reads it."""
