"""The JSON API of a dashboard as the commands call it: answers, streams, and errors as sentences."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import requests

from selfservice.bearer_token import BearerToken
from selfservice.client.dashboards import Dashboard
from selfservice.errors import ApplicationError

_API = "/api/v1"
_CONNECT_SECONDS = 10
#: A stream says at least every ten seconds that it is alive.
_SILENCE_SECONDS = 30
_BAD_GATEWAY = frozenset({502, 503, 504})


class Refused(ApplicationError):
    """The dashboard answered, and will not do it."""


class ConnectionLost(ApplicationError):
    """No answer, or not all of it; another try may go better."""


class Connection:
    """One dashboard, called with one token."""

    def __init__(self, dashboard: Dashboard, seconds: float = 60) -> None:
        """Call `dashboard`; no answer takes longer than `seconds` to begin."""
        self.dashboard = dashboard
        self._seconds = seconds
        self._session = requests.Session()
        self._session.auth = BearerToken(dashboard.token)
        self._session.headers["Accept"] = "application/json"

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """The JSON object at `path`. Raises Refused, ConnectionLost."""
        with self._answer("GET", path, params={name: value for name, value in query.items() if value}) as answer:
            return _object(answer)

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """What is answered to `body`. Raises Refused, ConnectionLost."""
        with self._answer("POST", path, json=body) as answer:
            return _object(answer)

    def launch(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """As `post`, tried once more where the connection broke; its key keeps it from starting twice."""
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        try:
            with self._answer("POST", path, json=body, headers=headers) as answer:
                return _object(answer)
        except ConnectionLost:
            with self._answer("POST", path, json=body, headers=headers) as answer:
                return _object(answer)

    def pages(self, path: str, member: str, limit: int, **query: Any) -> dict[str, Any]:
        """`limit` items of the list `member`, over as many pages as that takes, and the total."""
        items: list[Any] = []
        cursor = None
        while True:
            page = self.get(path, limit=min(500, limit - len(items)), cursor=cursor, **query)
            items += page[member]
            cursor = page["next_cursor"]
            if not cursor or len(items) >= limit:
                return {member: items, "total": page["total"]}

    def output(self, run_id: str, offset: int, limit: int) -> tuple[bytes, int]:
        """Bytes of the output of a run from `offset` on, and how many there are in all."""
        query = {"offset": offset, "limit": limit}
        with self._answer("GET", f"/runs/{run_id}/output", params=query) as answer:
            return answer.content, int(answer.headers["X-Output-Size"])

    def events(self, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Server-sent events of the stream at `path`, by name, until it ends. Raises Refused, ConnectionLost."""
        timeout = (_CONNECT_SECONDS, _SILENCE_SECONDS)
        headers = {"Accept": "text/event-stream", "Accept-Encoding": "identity"}
        name = ""
        with self._answer("GET", path, stream=True, timeout=timeout, headers=headers) as answer:
            for line in answer.iter_lines(chunk_size=None):
                field, _, value = line.partition(b": ")
                if field == b"event":
                    name = value.decode()
                elif field == b"data":
                    yield name, json.loads(value)

    @contextmanager
    def _answer(self, method: str, path: str, **named: Any) -> Iterator[requests.Response]:
        url = self.dashboard.url
        named = {"timeout": (_CONNECT_SECONDS, self._seconds), "verify": self.dashboard.ca_file or None, **named}
        try:
            with self._session.request(method, f"{url}{_API}{path}", allow_redirects=False, **named) as answer:
                if answer.status_code in _BAD_GATEWAY and not _said(answer):
                    raise ConnectionLost(f"{url} does not answer at the moment ({answer.status_code}).")
                if not answer.ok or answer.is_redirect:
                    raise Refused(_refusal(answer, self.dashboard))
                yield answer
        except requests.exceptions.SSLError as error:
            raise Refused(
                f"The certificate of {url} is not accepted; name its CA: `login {url} --ca-file FILE`."
            ) from error
        except requests.Timeout as error:
            raise ConnectionLost(f"{url} does not answer.") from error
        except json.JSONDecodeError as error:
            raise Refused(f"{url} answered something that is not JSON; is it a dashboard of Selfservice?") from error
        except requests.RequestException as error:
            raise ConnectionLost(f"{url} cannot be reached, or the connection broke.") from error
        except OSError as error:
            raise Refused(f"The CA file {self.dashboard.ca_file} cannot be used: {error}.") from error


def _object(answer: requests.Response) -> dict[str, Any]:
    value = answer.json()
    if not isinstance(value, dict):
        raise json.JSONDecodeError("no object", answer.text[:80], 0)
    return value


def _refusal(answer: requests.Response, dashboard: Dashboard) -> str:
    if answer.is_redirect:
        target = answer.headers["Location"].removesuffix(_API)
        return f"{dashboard.url} sends you on to {target}; log in with the address of the dashboard itself."
    if answer.status_code == 401:
        return f"{dashboard.url} does not accept the token; make one on its master (`token create`), and log in again."
    return _said(answer) or f"{answer.url} answered with {answer.status_code} and no reason; is it a dashboard?"


def _said(answer: requests.Response) -> str:
    """The sentence of problem JSON, where it is that."""
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return ""
