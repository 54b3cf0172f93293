"""Calls to addresses that somebody typed: none leads into a private network unless an administrator says so.

A page of this node must not become a way to services that only this node can reach
(server-side request forgery). The address is checked where the connection is made, after
the name was resolved, so that neither a redirect nor a name that changes leads past it.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

from selfservice.errors import ApplicationError, BadInput
from selfservice.settings import is_loopback
from selfservice.version import version

_TIMEOUT = (5, 15)
#: What a provider says of somebody or itself is a few KiB; unpacked, where it comes packed.
LARGEST_ANSWER = 1024 * 1024
_MOST_REDIRECTS = 3


class PrivateAddress(ApplicationError):
    """The address lies in a private network."""

    status = 422
    problem_type = "private-address"
    title = "This address is not called"

    def __init__(self, host: str) -> None:
        """Name the host, and what could be done."""
        super().__init__(
            f"{host[:80]} lies in a private network, and such addresses are not called. "
            "Where it is meant, allow them in the security settings."
        )


class AnswerTooLarge(requests.RequestException):
    """Somebody answers with more than anybody would have to say, maybe packed into very little."""


def check_address(address: str, field: str, *, private: bool) -> str:
    """`address` without a slash at its end; https, or http on this machine where `private` addresses are allowed.

    Raises `BadInput` naming the `field`.
    """
    address = address.strip().rstrip("/")
    try:
        parts = urlsplit(address)
        good = bool(parts.hostname) and parts.port != 0 and not (parts.username or parts.query or parts.fragment)
    except ValueError:
        good = False
    if not good or parts.scheme not in ("https", "http") or not address.isprintable() or len(address) > 500:
        raise BadInput("Give an address such as https://sign-in.example.org.", field)
    if parts.scheme == "http" and not (private and is_loopback(parts.hostname or "")):
        raise BadInput("Give an https address: over http anybody in between could read what is sent.", field)
    return address


def guard(session: requests.Session, *, private: bool, ca_file: str = "") -> None:
    """Make `session` call only what it may, check certificates, and wait no longer than a person does."""
    session.trust_env = False
    session.verify = ca_file or True
    session.max_redirects = _MOST_REDIRECTS
    session.headers["User-Agent"] = f"Selfservice/{version()}"
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Adapter(private=private))


def read_within(answer: requests.Response, most_bytes: int) -> None:
    """Read all of `answer`, unpacked. Raises `AnswerTooLarge` as soon as it is more than `most_bytes`."""
    body = bytearray()
    with answer:
        for block in answer.iter_content(64 * 1024):
            body += block
            if len(body) > most_bytes:
                raise AnswerTooLarge(f"The answer has more than {most_bytes // 1024} KiB.")
    # As requests itself keeps what `content` has read.
    answer._content = bytes(body)


def vetted(host: str, port: int) -> str:
    """An address of `host` that may be called. Raises `PrivateAddress`, and OSError where there is none."""
    found = [str(each[4][0]) for each in socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)]
    if not all(map(_is_public, found)):
        raise PrivateAddress(host)
    return found[0]


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address.sixtofour or address
    return address.is_global and not address.is_multicast


class _Adapter(HTTPAdapter):
    def __init__(self, *, private: bool) -> None:
        self._private = private
        super().__init__()

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **named: Any) -> None:
        self.poolmanager = PoolManager(num_pools=connections, maxsize=maxsize, block=block, **named)
        if not self._private:
            self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def send(self, request: requests.PreparedRequest, *given: Any, **named: Any) -> requests.Response:
        named["timeout"] = named.get("timeout") or _TIMEOUT
        answer = super().send(request, *given, **named)
        read_within(answer, LARGEST_ANSWER)
        return answer


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        name = self._dns_host
        self._dns_host = vetted(name, self.port or 80)
        try:
            return super()._new_conn()
        finally:
            self._dns_host = name


class _SecureConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        name = self._dns_host
        self._dns_host = vetted(name, self.port or 443)
        try:
            return super()._new_conn()
        finally:
            self._dns_host = name


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection
