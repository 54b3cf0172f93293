"""Task types that look at the network from the node: is a port open, does an address answer."""

from __future__ import annotations

import socket
import ssl
import time
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlsplit

import requests
from pydantic import Field, StringConstraints

from selfservice.tasks.parameters import HostName, Port, Seconds
from selfservice.tasks.task_type import task_type

Url = Annotated[
    str,
    StringConstraints(max_length=2000, pattern=r"^https?://[^\s]+$"),
    Field(description="An http or https address, as the node reaches it.", examples=["https://127.0.0.1/healthz"]),
]
_LONGEST_BODY = 64 * 1024


@task_type("Port check")
def port_check(port: Port, host: HostName = "127.0.0.1", timeout: Seconds = 3) -> dict[str, Any]:
    """Tell whether a TCP port takes connections, and after how many milliseconds."""
    start = time.perf_counter()
    try:
        with socket.create_connection((host, port), timeout):
            why = ""
    except OSError as error:
        why = str(error.strerror or error)
    return {"host": host, "port": port, "open": not why, "milliseconds": _since(start), "why": why}


@task_type("HTTP check")
def http_check(
    url: Url,
    expect: Annotated[int, Field(ge=100, le=599, description="The HTTP status of a healthy answer.")] = 200,
    timeout: Seconds = 10,
) -> dict[str, Any]:
    """Ask an address: HTTP status, milliseconds, days its certificate is still valid. Redirects are not followed."""
    start = time.perf_counter()
    with requests.Session() as session:
        session.trust_env = False
        try:
            with session.get(url, timeout=timeout, allow_redirects=False, stream=True) as answer:
                status, why = answer.status_code, ""
                next(answer.iter_content(_LONGEST_BODY), b"")
        except requests.RequestException as error:
            status, why = None, _reason(error)
    return {
        "url": url,
        "healthy": status == expect,
        "status": status,
        "milliseconds": _since(start),
        "certificate_days_left": _certificate_days_left(url, timeout),
        "why": why or ("" if status == expect else f"Answered {status}, not {expect}."),
    }


def _certificate_days_left(url: str, timeout: int) -> int | None:
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        return None
    try:
        with (
            socket.create_connection((parts.hostname, parts.port or 443), timeout) as plain,
            ssl.create_default_context().wrap_socket(plain, server_hostname=parts.hostname) as secure,
        ):
            ends = ssl.cert_time_to_seconds(str((secure.getpeercert() or {})["notAfter"]))
    except (OSError, ValueError, KeyError):  # why is said by the request itself
        return None
    return (datetime.fromtimestamp(ends, UTC) - datetime.now(UTC)).days


def _reason(error: requests.RequestException) -> str:
    if isinstance(error, requests.exceptions.SSLError):
        return "The certificate is not accepted."
    if isinstance(error, requests.Timeout):
        return "No answer in time."
    if isinstance(error, requests.ConnectionError):
        return "No connection."
    return "The answer cannot be read."


def _since(start: float) -> float:
    return round((time.perf_counter() - start) * 1000, 1)
