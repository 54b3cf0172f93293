"""Calls to a repository's server: timeouts, tries again where that is harmless, errors as sentences."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase

from selfservice.errors import ApplicationError
from selfservice.files.errors import AnswerLost, CertificateUnknown, RateLimited, ServerUnreachable
from selfservice.outgoing import AnswerTooLarge, read_within
from selfservice.version import version

logger = logging.getLogger(__name__)

_CONNECT_SECONDS = 5
_ANSWER_SECONDS = 30
_TRIES = 3
#: A page does not keep a person waiting for longer than this because of a limit.
_LONGEST_WAIT = 5.0
#: Of anything but a file, unpacked where it comes packed: a page of a list, a difference.
_LARGEST_ANSWER = 32 * 1024 * 1024
_NOT_NOW = frozenset({502, 503, 504})


@dataclass(frozen=True)
class Manners:
    """How waiting is done, tests do it without a clock; and whose certificates are believed."""

    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    #: A file with a private CA (PEM), or True for those that everybody believes.
    trusted: str | bool = True


class Rest:
    """One server's API below one address."""

    def __init__(
        self,
        base: str,
        auth: AuthBase,
        explain: Callable[[requests.Response], ApplicationError],
        manners: Manners | None = None,
    ) -> None:
        """Call addresses of the server of `base`; `explain` turns a refusal into a sentence."""
        self.base = base.rstrip("/")
        self._explain = explain
        self.manners = manners or Manners()
        self._host = urlsplit(self.base).hostname or ""
        self._session = requests.Session()
        self._session.auth = auth
        self._session.headers.update({"User-Agent": f"Selfservice/{version()}", "Accept": "application/json, */*"})

    def get(self, path: str, params: Mapping[str, Any] | None = None, *, stream: bool = False) -> requests.Response:
        """Read something; tried again where the server does not answer or wants a pause."""
        return self._again("GET", path, params=params, stream=stream)

    def delete(self, path: str, json: Any = None) -> requests.Response:
        """Remove something; doing it twice is the same as once, so it is tried again like `get`."""
        return self._again("DELETE", path, json=json)

    def send(self, method: str, path: str, **named: Any) -> requests.Response:
        """Change something, once. Raises AnswerLost where nobody knows whether it was done."""
        try:
            answer = self._call(method, path, **named)
        except (requests.exceptions.SSLError, requests.exceptions.ConnectTimeout) as error:
            raise self._unreachable(error) from error
        except requests.RequestException as error:
            if _never_sent(error):
                raise self._unreachable(error) from error
            raise self._lost() from error
        if answer.status_code in _NOT_NOW:
            raise self._lost()
        return self._checked(answer)

    def _again(self, method: str, path: str, **named: Any) -> requests.Response:
        for attempt in range(1, _TRIES + 1):
            last = attempt == _TRIES
            pause = 0.5 * 2 ** (attempt - 1)
            try:
                answer = self._call(method, path, **named)
            except requests.exceptions.SSLError as error:
                raise self._unreachable(error) from error
            except AnswerTooLarge as error:
                raise ServerUnreachable(f"{self.base} does not answer as it should. {error}") from error
            except requests.RequestException as error:
                if last:
                    raise self._unreachable(error) from error
                logger.info("%s %s is tried again: %s", method, self.base, type(error).__name__)
            else:
                if answer.status_code == 429:
                    pause = _retry_after(answer, self.manners.now()) or pause
                    if last or pause > _LONGEST_WAIT:
                        return self._checked(answer)
                elif answer.status_code not in _NOT_NOW or last:
                    return self._checked(answer)
                answer.close()
            self.manners.sleep(pause)
        raise AssertionError("the last try always answers or raises")

    def _call(self, method: str, path: str, **named: Any) -> requests.Response:
        address = path if path.startswith(("http://", "https://")) else f"{self.base}{path}"
        if not self._is_its(address):
            raise ServerUnreachable(f"{self.base} names another server, {address[:100]}, which is not asked.")
        timeout = (_CONNECT_SECONDS, _ANSWER_SECONDS)
        # Named at each call: a setting of the session would give way to REQUESTS_CA_BUNDLE.
        streamed = named.pop("stream", False)
        answer = self._session.request(
            method, address, timeout=timeout, verify=self.manners.trusted, stream=True, **named
        )
        if not streamed:
            read_within(answer, _LARGEST_ANSWER)
        return answer

    def _is_its(self, address: str) -> bool:
        """Whether the token may go there: to the server itself, or to the domain it belongs to."""
        parts, own = urlsplit(address), urlsplit(self.base)
        same = parts.hostname == own.hostname and parts.port == own.port
        domain = bool(parts.hostname) and self._host.endswith(f".{parts.hostname}") and "." in str(parts.hostname)
        return parts.scheme == own.scheme and (same or (domain and parts.port is None))

    def _checked(self, answer: requests.Response) -> requests.Response:
        if answer.status_code < 400:
            return answer
        with answer:
            if answer.status_code == 429:
                raise self._limited(answer)
            if answer.status_code in _NOT_NOW:
                raise ServerUnreachable(f"{self.base} is not available at the moment ({answer.status_code}).")
            raise self._explain(answer)

    def _limited(self, answer: requests.Response) -> RateLimited:
        seconds = _retry_after(answer, self.manners.now())
        if seconds is None:
            return RateLimited(f"{self.base} allows no more calls for a while; it does not say until when.")
        until = self.manners.now() + timedelta(seconds=seconds)
        return RateLimited(f"{self.base} allows no more calls until {until:%H:%M:%S} UTC.", until)

    def _unreachable(self, error: requests.RequestException) -> ServerUnreachable:
        if isinstance(error, requests.exceptions.SSLError):
            return CertificateUnknown(
                f"{self.base} shows a certificate that this node does not trust. Name its authority in"
                " SELFSERVICE_CA_FILE, or correct the address."
            )
        if isinstance(error, requests.Timeout):
            return ServerUnreachable(f"{self.base} did not answer in {_ANSWER_SECONDS} seconds.")
        return ServerUnreachable(f"{self.base} cannot be reached from this node: the network or the server is down.")

    def _lost(self) -> AnswerLost:
        return AnswerLost(f"{self.base} broke off before it answered, so it may have been done or not.")


def plain_words(answer: requests.Response) -> str:
    """What an answer says that is no JSON; the page of a proxy in between says nothing that people read."""
    is_page = "html" in answer.headers.get("Content-Type", "")
    return (not is_page and answer.text.strip()[:200]) or str(answer.reason)


def _never_sent(error: requests.RequestException) -> bool:
    """Whether the connection was refused before anything was sent."""
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return type(reason).__name__ in ("NewConnectionError", "NameResolutionError", "ConnectTimeoutError")


def _retry_after(answer: requests.Response, now: datetime) -> float | None:
    """Seconds to wait, as the server says it: a number or a date."""
    text = answer.headers.get("Retry-After", "")
    if text.isdigit():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - now).total_seconds())
    except (TypeError, ValueError):
        return None
