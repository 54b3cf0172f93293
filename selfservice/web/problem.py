"""A problem in the words of RFC 9457, whatever kind of error it was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from apiflask.exceptions import HTTPError
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from selfservice.errors import ApplicationError

TYPE_PREFIX = "urn:selfservice:problem:"

_SENTENCES = {
    400: "The request could not be read. Check its form and try again.",
    401: "Sign in to do this.",
    403: "You are not allowed to do this.",
    404: "There is nothing at this address. It may be mistyped, or what was here is gone.",
    405: "This address exists, but not for this method.",
    406: "This node cannot answer in the form that was asked for.",
    408: "The request took too long to arrive. Try again.",
    413: "This is more than the node takes in one request.",
    415: "Send this as application/json.",
    429: "Too many attempts. Wait a little and try again.",
    500: "Something went wrong on this node. It has been logged; tell an administrator the request number.",
    503: "This is not possible at the moment. Try again in a moment.",
}
_CSRF = "This form is too old or was not sent from this page. Load the page again and repeat what you did."


@dataclass(frozen=True)
class Problem:
    """What a person or program is told about an error."""

    status: int
    name: str
    title: str
    detail: str
    extra: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def to_json(self, instance: str) -> dict[str, Any]:
        """The members of problem JSON for a request to `instance`."""
        return {
            **self.extra,
            "type": TYPE_PREFIX + self.name,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": instance,
        }


def problem_of(error: Exception, most_bytes: int | None = None) -> Problem:
    """`error` as a problem; one that nobody foresaw tells nothing of its inside.

    `most_bytes` is what the request might have had at most.
    """
    if isinstance(error, ApplicationError):
        headers = {"WWW-Authenticate": "Bearer"} if error.status == HTTPStatus.UNAUTHORIZED else {}
        if error.retry_after is not None:
            headers["Retry-After"] = str(error.retry_after)
        return Problem(error.status, error.problem_type, error.title, error.sentence, error.extra, headers)
    if isinstance(error, HTTPError):
        return _of_apiflask(error)
    if isinstance(error, CSRFError):
        return Problem(400, "csrf", "Form refused", _CSRF)
    if isinstance(error, RequestEntityTooLarge) and most_bytes:
        sentence = f"This is more than the node takes in one request here ({most_bytes // 1024 // 1024} MiB)."
        return _of_status(413, headers=_headers(error), sentence=sentence)
    if isinstance(error, HTTPException):
        return _of_status(error.code or 500, headers=_headers(error))
    return _of_status(500)


def _of_status(status: int, *, headers: Mapping[str, str] | None = None, sentence: str | None = None) -> Problem:
    title = HTTPStatus(status).phrase
    sentence = sentence or _SENTENCES.get(status, f"{title}.")
    return Problem(status, title.lower().replace(" ", "-"), title, sentence, headers=headers or {})


def _headers(error: HTTPException) -> dict[str, str]:
    """What belongs to the error itself, as Allow to 405."""
    return {name: value for name, value in error.get_headers() if name.lower() != "content-type"}


def _of_apiflask(error: HTTPError) -> Problem:
    wrong = list(_wrong_fields(error.detail)) if isinstance(error.detail, Mapping) else []
    if not wrong:
        problem = _of_status(error.status_code)
        if error.message and error.message != problem.title:
            problem = Problem(problem.status, problem.name, problem.title, error.message)
        return problem
    sentences = [f"The field “{name}” cannot be used: {_sentence(reason)}" for name, reason in wrong]
    return Problem(
        status=error.status_code,
        name="bad-input",
        title="A value cannot be used",
        detail=" ".join(sentences),
        extra={"field": wrong[0][0], "errors": [{"field": name, "detail": reason} for name, reason in wrong]},
    )


def _wrong_fields(detail: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """Each field and reason below marshmallow's {place: {field: [reasons]}}."""
    for name, below in detail.items():
        inner = f"{path}.{name}" if path else str(name)
        if isinstance(below, Mapping):
            # The first level says where the value was sent (json, query, …): not part of its name.
            yield from _wrong_fields(below, inner if path or not _is_place(str(name)) else "")
        else:
            reasons = below if isinstance(below, list) else [below]
            yield inner, " ".join(str(reason) for reason in reasons)


def _is_place(name: str) -> bool:
    return name in {"json", "query", "form", "files", "form_and_files", "path", "headers", "cookies"}


def _sentence(reason: str) -> str:
    reason = reason[:1].lower() + reason[1:]
    return reason if reason.endswith((".", "!", "?")) else f"{reason}."
