"""A request that ends when its time as a whole is over, however slowly its answer drips."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection


class _Watchdog:
    """Cuts the connections of one call when its time is over: a timeout of requests begins anew with each byte."""

    def __init__(self) -> None:
        self._held: list[socket.socket] = []
        self._lock = threading.Lock()
        self.over = False

    def hold(self, connection: socket.socket) -> None:
        """Be able to cut it, also after TLS has taken it over."""
        with self._lock:
            self._held.append(socket.socket(fileno=os.dup(connection.fileno())))

    def cut(self) -> None:
        """The time is over."""
        with self._lock:
            self.over = True
            for each in self._held:
                try:
                    each.shutdown(socket.SHUT_RDWR)
                except OSError:  # it is closed already
                    continue

    def release(self) -> None:
        """The call is over."""
        with self._lock:
            for each in self._held:
                each.close()
            self._held.clear()


_watchdog: ContextVar[_Watchdog | None] = ContextVar("watchdog", default=None)


@contextmanager
def ended_after(seconds: float) -> Iterator[Callable[[], bool]]:
    """Cut every connection of a WatchedAdapter that is made within, once the time is over; tells whether it is."""
    watchdog = _Watchdog()
    timer = threading.Timer(seconds, watchdog.cut)
    timer.daemon = True
    timer.start()
    before = _watchdog.set(watchdog)
    try:
        yield lambda: watchdog.over
    finally:
        _watchdog.reset(before)
        timer.cancel()
        watchdog.release()


def _watched(connection: socket.socket) -> socket.socket:
    watchdog = _watchdog.get()
    if watchdog is not None:
        watchdog.hold(connection)
    return connection


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _watched(super()._new_conn())


class _SecureConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _watched(super()._new_conn())


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class WatchedAdapter(HTTPAdapter):
    """Makes connections that `ended_after` can cut, to the holder of a certificate's SHA-256 where one is given."""

    def __init__(self, fingerprint: str = "") -> None:
        """Accept any certificate that a CA vouches for, or the one of this fingerprint alone."""
        self._fingerprint = fingerprint
        super().__init__()

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **named: Any) -> None:
        """As its parent does, with connections of our own."""
        if self._fingerprint:
            named["assert_fingerprint"] = self._fingerprint
        self.poolmanager = PoolManager(num_pools=connections, maxsize=maxsize, block=block, **named)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
