"""No connection to addresses that are not for everybody: what people type must not reach into this network.

It looks at the very address that a socket is about to connect to, so a name that means another address a moment
later, or a redirect, is looked at as well.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from typing import Any


class PrivateAddress(OSError):
    """An address of this machine or of a private network."""


def is_public(host: str) -> bool:
    """Whether the IP address `host` is one of the internet's; not so for anything else."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    inner = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None) or address
    return bool(address.is_global and inner.is_global and not address.is_multicast)


def install(refused: Callable[[str], None]) -> None:
    """Let no socket of this process connect or send to a private address; `refused` is told of each."""

    def guarded(name: str) -> None:
        original = getattr(socket.socket, name)

        def call(self: socket.socket, *arguments: Any) -> Any:
            address = arguments[-1]
            host = address[0] if isinstance(address, tuple) else str(address)
            if self.family not in (socket.AF_INET, socket.AF_INET6) or not is_public(host):
                refused(host)
                raise PrivateAddress(f"{host} is an address of this machine or of a private network")
            return original(self, *arguments)

        setattr(socket.socket, name, call)

    for name in ("connect", "connect_ex", "sendto"):
        guarded(name)
