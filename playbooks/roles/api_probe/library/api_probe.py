#!/usr/bin/python
"""Ask an address once: status, latency, days left of its certificate. Changes nothing."""

from __future__ import annotations

import http.client
import math
import signal
import socket
import ssl
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import SplitResult, urlsplit

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = """
module: api_probe
short_description: Asks an address once
description: Gets a URL without following redirections; says status, latency and how long its certificate is valid.
options:
  url: {type: str, required: true, description: An http or https address.}
  timeout: {type: int, default: 10, description: Seconds for all of it together.}
  verify: {type: bool, default: true, description: Whether the certificate must be trusted and be for this address.}
  ca_file: {type: str, default: "", description: The certificates of a private CA.}
"""
RETURN = """
answered: {type: bool, returned: always, description: Whether there was an answer.}
why: {type: str, returned: always, description: Why there was none.}
status: {type: int, returned: always, description: The HTTP status.}
latency_ms: {type: int, returned: always, description: From connecting to the end of the answer.}
certificate_days: {type: int, returned: always, description: Whole days left, none where no certificate was seen.}
"""
_MOST_BYTES = 1024 * 1024
_UTC_TIME, _GENERALIZED_TIME, _EXPLICIT_0 = 0x17, 0x18, 0xA0


class _Late(Exception):  # not shown to anybody
    """The time is over."""


def probe(url: str, timeout: int, verify: bool, ca_file: str) -> dict[str, Any]:
    """What the address answers."""
    found: dict[str, Any] = {"url": url, "answered": False, "why": "", "status": None, "certificate_days": None}
    began = time.monotonic()
    signal.signal(signal.SIGALRM, _over)
    signal.setitimer(signal.ITIMER_REAL, timeout)
    try:
        _ask(urlsplit(url), verify, ca_file, found)
        found["answered"] = True
    except _Late:
        found["why"] = f"There was no answer within {timeout} s."
    except ssl.SSLCertVerificationError as error:
        found["why"] = f"The certificate cannot be trusted: {error.verify_message}."
    except ssl.SSLError as error:
        found["why"] = f"No TLS connection came about: {error.reason or error}."
    except ConnectionRefusedError:
        found["why"] = "The connection was refused: nothing listens there."
    except socket.gaierror as error:
        found["why"] = f"The name cannot be resolved: {error.strerror}."
    except (OSError, http.client.HTTPException, ValueError) as error:
        found["why"] = f"There was no answer: {error or type(error).__name__}."
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    found["latency_ms"] = round((time.monotonic() - began) * 1000)
    return found


def _over(_signal: int, _frame: object) -> None:
    raise _Late


def _ask(url: SplitResult, verify: bool, ca_file: str, found: dict[str, Any]) -> None:
    if url.scheme not in ("http", "https") or not url.hostname:
        raise ValueError("only http and https addresses with a host can be asked")
    path = f"{url.path or '/'}{'?' + url.query if url.query else ''}"
    connection = http.client.HTTPConnection(url.hostname, url.port)
    if url.scheme == "https":
        connection = http.client.HTTPSConnection(url.hostname, url.port, context=_context(verify, ca_file))
    try:
        connection.connect()
        if isinstance(connection.sock, ssl.SSLSocket):
            found["certificate_days"] = _days_left(connection.sock.getpeercert(binary_form=True) or b"")
        connection.request("GET", path, headers={"User-Agent": "selfservice-probe", "Connection": "close"})
        answer = connection.getresponse()
        answer.read(_MOST_BYTES)
        found["status"] = answer.status
    finally:
        connection.close()


def _context(verify: bool, ca_file: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca_file or None)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _days_left(certificate: bytes) -> int:
    left = _not_after(certificate) - datetime.now(UTC)
    return math.floor(left.total_seconds() / 86400)


def _not_after(certificate: bytes) -> datetime:
    """The end of validity of a DER certificate (RFC 5280): `ssl` reads it only where it also verifies."""
    _, body, _ = _element(certificate)
    fields = _elements(_elements(body)[0][1])
    validity = fields[4 if fields[0][0] == _EXPLICIT_0 else 3][1]
    tag, text = _elements(validity)[1]
    form = {_UTC_TIME: "%y%m%d%H%M%SZ", _GENERALIZED_TIME: "%Y%m%d%H%M%SZ"}[tag]
    return datetime.strptime(text.decode("ascii"), form).replace(tzinfo=UTC)


def _elements(content: bytes) -> list[tuple[int, bytes]]:
    """Tag and content of each element."""
    found = []
    while content:
        tag, inner, content = _element(content)
        found.append((tag, inner))
    return found


def _element(value: bytes) -> tuple[int, bytes, bytes]:
    """Tag and content of the first element, and what comes after it."""
    length, start = value[1], 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(value[2:start], "big")
    return value[0], value[start : start + length], value[start + length :]


def main() -> None:
    """What Ansible calls."""
    module = AnsibleModule(
        argument_spec={
            "url": {"type": "str", "required": True},
            "timeout": {"type": "int", "default": 10},
            "verify": {"type": "bool", "default": True},
            "ca_file": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    given = module.params
    if not 0 < given["timeout"] <= 3600:
        module.fail_json(msg="The longest wait must be 1 to 3600 seconds.")
    module.exit_json(changed=False, **probe(given["url"], given["timeout"], given["verify"], given["ca_file"]))


if __name__ == "__main__":
    main()
