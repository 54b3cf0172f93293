"""Calls from node to node: certificates checked, no redirects, an end in time, errors as sentences."""

from __future__ import annotations

import hashlib
import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
import urllib3

from selfservice.errors import ApplicationError
from selfservice.nodes.deadline import WatchedAdapter, ended_after
from selfservice.settings import NodeType, Settings
from selfservice.version import version

# The page of nodes warns where certificates are not checked; a line in the log for each call would not be read.
urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)

CONNECT_SECONDS = 5
#: The person for whom a master asks; a worker writes that name down.
ON_BEHALF = "Selfservice-On-Behalf-Of"
LARGEST_ANSWER = 1024 * 1024
_PEM_END = "-----END CERTIFICATE-----"


class NodeTrouble(ApplicationError):
    """A node gave no answer that can be used."""

    status = 502
    problem_type = "node-trouble"
    title = "The node gave no usable answer"
    #: What a page tells apart, in a word.
    kind = "trouble"
    #: Whether the node may have got the request all the same, and done it.
    may_have_arrived = True


class NodeUnreached(NodeTrouble):
    """There was no connection, and so nothing was sent."""

    may_have_arrived = False


class NodeRefused(NodeUnreached):
    """Nobody listens there."""

    kind = "refused"


class NodeUnknown(NodeUnreached):
    """The name of the machine leads nowhere."""

    kind = "unknown name"


class NodeTimedOut(NodeTrouble):
    """No answer, or not all of it, in time."""

    kind = "timed out"


class NodeSilent(NodeUnreached, NodeTimedOut):
    """It does not take connections in time."""


class NodeCertificate(NodeUnreached):
    """Its certificate is not accepted."""

    kind = "certificate"


class NodeGarbage(NodeTrouble):
    """Its answer is too large, broken, or not what was asked for."""

    kind = "garbage"


@dataclass(frozen=True)
class Answer:
    """What a node answered, with whatever status."""

    status: int
    body: bytes
    seconds: float
    headers: Mapping[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        """Its body as JSON. Raises NodeGarbage."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise NodeGarbage(
                "It answered something that is not JSON. Is it a node of Selfservice, and of this version?"
            ) from error


@dataclass(frozen=True)
class Call:
    """What is sent to a node."""

    method: str
    url: str
    token: str
    #: Sent as JSON where it is not None.
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    #: From the first byte to the last, both ways.
    seconds: float = 30


def send(settings: Settings, call: Call) -> Answer:
    """Call a node. Raises NodeTrouble; an answer of 4xx or 5xx is an answer."""
    start = time.monotonic()
    headers = {
        "User-Agent": f"Selfservice/{version()} ({settings.node_name})",
        **call.headers,
        "Authorization": f"Bearer {call.token}",
    }
    with requests.Session() as session, ended_after(call.seconds) as out_of_time:
        session.trust_env = False  # neither a proxy nor a .netrc of the environment
        pin = _own_fingerprint(settings, call.url)
        session.mount("http://", WatchedAdapter())
        session.mount("https://", WatchedAdapter(pin))
        try:
            with session.request(
                call.method,
                call.url,
                json=call.body,
                headers=headers,
                timeout=(min(CONNECT_SECONDS, call.seconds), call.seconds),
                verify=not pin and _verify(settings),
                allow_redirects=False,
                stream=True,
            ) as answer:
                body = _body(answer)
                if out_of_time():
                    raise NodeTimedOut(_slow(call))
                return Answer(answer.status_code, body, time.monotonic() - start, dict(answer.headers))
        except (requests.RequestException, OSError, ValueError) as error:
            if out_of_time():
                raise NodeTimedOut(_slow(call)) from error
            raise _trouble(error, call) from error


def refusal(answer: Answer) -> str:
    """Why a node answered with an error, in a sentence; empty where it did not."""
    if answer.status < 300:
        return ""
    said = _said(answer)
    if answer.status < 400:
        return "It answered with a redirect, and redirects are not followed: check the address of this node."
    if answer.status == 401:
        return (
            "It does not accept the token of this master. Has it joined? Look at its page, and make a new token there."
        )
    if answer.status == 429:
        return f"It is busy: {said or 'too many calls at the same time'} Try again in a moment."
    if answer.status >= 500:
        return f"It failed ({answer.status}){f': {said}' if said else ''}. Its log says more."
    return said or f"It refused the call ({answer.status})."


def _said(answer: Answer) -> str:
    try:
        detail = answer.json().get("detail", "")
    except (NodeGarbage, AttributeError):
        return ""
    return str(detail)[:500]


def _own_fingerprint(settings: Settings, url: str) -> str:
    """SHA-256 of this master's own certificate where it calls itself: that is not made out for 127.0.0.1."""
    if settings.node_type is not NodeType.MASTER or not settings.has_tls:
        return ""
    if not url.startswith(f"https://127.0.0.1:{settings.port}/"):
        return ""
    pem = Path(settings.tls_certificate).read_text(encoding="ascii")
    first = pem[: pem.index(_PEM_END) + len(_PEM_END)]
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(first[first.index("-----BEGIN CERT") :])).hexdigest()


def _verify(settings: Settings) -> bool | str:
    if not settings.verify_tls:
        return False
    return settings.ca_file or True


def _body(answer: requests.Response) -> bytes:
    body = bytearray()
    for block in answer.iter_content(64 * 1024):
        body += block
        if len(body) > LARGEST_ANSWER:
            raise NodeGarbage(f"Its answer is larger than {LARGEST_ANSWER // 1024} KiB, and was not read to its end.")
    return bytes(body)


def _slow(call: Call) -> str:
    return f"There was no whole answer within {call.seconds:.0f} s. The node is overloaded, or the network is cut."


def _trouble(error: Exception, call: Call) -> NodeTrouble:
    if isinstance(error, requests.exceptions.SSLError):
        return NodeCertificate(
            "Its certificate is not accepted: "
            f"{_inner(error)}. Give it one for its name, or name its CA in SELFSERVICE_CA_FILE."
        )
    if isinstance(error, requests.ConnectTimeout):
        return NodeSilent(_slow(call))
    if isinstance(error, requests.Timeout):
        return NodeTimedOut(_slow(call))
    text = str(error)
    if "NameResolutionError" in text or "getaddrinfo" in text:
        return NodeUnknown("The name in its address is not known here: check the address and the name server.")
    if "Connection refused" in text:
        return NodeRefused("Nothing listens at its address: is the worker started there, on this port?")
    if isinstance(error, requests.ConnectionError):
        kind = NodeUnreached if "NewConnectionError" in text else NodeTrouble
        return kind(f"The connection broke: {_inner(error)}. Is it started, and does it speak the same TLS?")
    return NodeGarbage(f"Its answer cannot be read: {_inner(error)}.")


def _inner(error: BaseException) -> str:
    """The last of the reasons that lie in one another."""
    while True:
        within = [getattr(error, "reason", None), *error.args]
        inner = next((each for each in within if isinstance(each, Exception)), None)
        if inner is None:
            return str(getattr(error, "verify_message", "") or error).rstrip(".")[:200]
        error = inner
