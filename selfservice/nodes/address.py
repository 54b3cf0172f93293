"""Addresses of nodes, and paths on them: no path leads to another machine."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from selfservice.errors import BadInput
from selfservice.settings import is_loopback

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z")
_PATH = re.compile(r"/(?!/)[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*\Z")
LONGEST_PATH = 2000


def is_node_name(text: str) -> bool:
    """Whether a node can be called so: one label of a DNS name (RFC 1123)."""
    return bool(_NAME.match(text))


def node_name(text: str) -> str:
    """The name of a node as somebody typed it. Raises BadInput."""
    name = text.strip().lower()
    if not is_node_name(name):
        raise BadInput("A node's name has 1 to 63 small letters, digits and dashes, such as web-1.", "name")
    return name


def node_address(text: str) -> str:
    """An address such as https://web-1.example.org:5001. Raises BadInput.

    Plain http is for this machine alone: tokens would cross the network unencrypted.
    """
    text = text.strip().rstrip("/")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise BadInput("This is no address; give one such as https://web-1.example.org:5001.", "address") from None
    plain = f"{parts.scheme}://{parts.netloc}" == text and not parts.username and not parts.password
    if parts.scheme not in ("http", "https") or not parts.hostname or not plain or not text.isprintable():
        raise BadInput("Give an address such as https://web-1.example.org:5001, without a path or a name.", "address")
    if port == 0 or re.search(r"[\s\\%<>]", parts.netloc):
        raise BadInput("This is no address; give one such as https://web-1.example.org:5001.", "address")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise BadInput("Only https is used across the network: with http anybody in between reads tokens.", "address")
    return text


def path_on_node(text: str) -> str:
    """A path with its query, such as /api/v1/tasks?state=running. Raises BadInput."""
    if not _PATH.match(text) or len(text) > LONGEST_PATH:
        raise BadInput(
            "A path begins with one slash and has no spaces, such as /api/v1/tasks?state=running; other characters "
            "are written with percent signs.",
            "path",
        )
    return text
