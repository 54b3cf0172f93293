"""A way through the network that can be cut and slowed down: a small TCP proxy."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import time

_BLOCK = 64 * 1024


class Way:
    """Leads from an address of its own to another one."""

    def __init__(self, listen: tuple[str, int], to: tuple[str, int]) -> None:
        """Listen at once; an address that is in use raises OSError."""
        self.address = f"{listen[0]}:{listen[1]}"
        self._to = to
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._lock = threading.Lock()
        self._delay = 0.0
        self._is_cut = False
        self._listener = socket.create_server(listen, backlog=128)
        threading.Thread(target=self._serve, daemon=True).start()

    def cut(self) -> None:
        """Break every connection, and each new one at once."""
        self._is_cut = True
        with self._lock:
            pairs = list(self._pairs)
        for pair in pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def delay(self, seconds: float) -> None:
        """Hold each piece back for so long."""
        self._delay = seconds

    def mend(self) -> None:
        """As good as new."""
        self._is_cut, self._delay = False, 0.0

    def close(self) -> None:
        """Lead nowhere any more."""
        self.cut()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self._lead, args=(near,), daemon=True).start()

    def _lead(self, near: socket.socket) -> None:
        with near:
            if self._is_cut:
                return
            try:
                far = socket.create_connection(self._to, timeout=5)
            except OSError:
                return
            far.settimeout(None)
            with far:
                pair = (near, far)
                with self._lock:
                    self._pairs.add(pair)
                try:
                    self._pass_on(near, far)
                finally:
                    with self._lock:
                        self._pairs.discard(pair)

    def _pass_on(self, near: socket.socket, far: socket.socket) -> None:
        others = {near: far, far: near}
        with selectors.DefaultSelector() as selector:
            for end in others:
                selector.register(end, selectors.EVENT_READ)
            while selector.get_map():
                for key, _ in selector.select():
                    end: socket.socket = key.fileobj  # type: ignore[assignment]
                    try:
                        content = end.recv(_BLOCK)
                        if self._is_cut:
                            return
                        if content:
                            time.sleep(self._delay)
                            others[end].sendall(content)
                            continue
                        others[end].shutdown(socket.SHUT_WR)
                    except OSError:
                        return
                    selector.unregister(end)
