"""Ports for servers that are told where to listen: of a range that the system gives to nobody meanwhile."""

from __future__ import annotations

import itertools
import os
import socket

#: Below those that the system gives to whoever asks for any (net.ipv4.ip_local_port_range): a server takes a second
#: or two until it listens, and by then somebody else might have been given its port.
_FIRST, _LAST = 10_000, 29_999
#: Begun somewhere else in every process, so that those who look side by side do not look at the same ones.
_next = itertools.count(os.getpid() * 977)


def free_port() -> int:
    """A port on which nobody listens, another one at every call."""
    while True:
        port = _FIRST + next(_next) % (_LAST - _FIRST + 1)
        with socket.socket() as probe:
            try:
                probe.bind(("", port))
            except OSError:
                continue
        return port
