"""The one place where errors become a page or problem JSON (RFC 9457)."""

from __future__ import annotations

import json
import logging

from apiflask import APIFlask
from apiflask.exceptions import HTTPError
from flask import Response, g, make_response, render_template, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from werkzeug.exceptions import HTTPException

from selfservice.errors import ApplicationError
from selfservice.web.problem import Problem, problem_of

PROBLEM_JSON = "application/problem+json"

logger = logging.getLogger(__name__)

_BARE_PAGE = Markup(
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
    "<h1>{title}</h1><p>{detail}</p><p>Request {request_id}</p></html>"
)


def install(app: APIFlask, *, pages: bool = True) -> None:
    """Answer every error of `app` from here; without `pages`, always as problem JSON."""

    def answer(error: Exception) -> ResponseReturnValue:
        return _answer(error, pages=pages)

    for kind in (ApplicationError, HTTPError, HTTPException, Exception):
        app.register_error_handler(kind, answer)


def wants_json() -> bool:
    """Whether a program asked and not a person in a browser."""
    path = request.path
    return (path.startswith("/api/") and path != "/api/docs") or path == "/healthz"


def _answer(error: Exception, *, pages: bool) -> Response:
    if isinstance(error, HTTPException) and error.response is not None:
        return make_response(error.response)
    if isinstance(error, HTTPException) and error.code is not None and error.code < 400:
        return make_response(error.get_response())
    problem = problem_of(error, request.max_content_length)
    _log(error, problem)
    response = _page(problem) if pages and not wants_json() else _json(problem)
    response.status_code = problem.status
    response.headers.update(dict(problem.headers))
    return response


def _log(error: Exception, problem: Problem) -> None:
    if problem.status < 500:
        return
    foreseen = isinstance(error, (ApplicationError, HTTPError, HTTPException))
    logger.log(
        logging.WARNING if foreseen else logging.ERROR,
        "%s %s was answered with %d: %s",
        request.method,
        request.path,
        problem.status,
        problem.detail,
        exc_info=None if foreseen else error,
    )


def _json(problem: Problem) -> Response:
    body = {**problem.to_json(request.path), "request_id": g.get("request_id", "-")}
    return Response(json.dumps(body, ensure_ascii=False, default=str), mimetype=PROBLEM_JSON)


def _page(problem: Problem) -> Response:
    request_id = g.get("request_id", "-")
    try:
        return make_response(render_template("errors/error.html", problem=problem, request_id=request_id))
    except Exception:
        # The page that tells of an error must not fail over the same error.
        logger.exception("The error page could not be drawn")
        page = _BARE_PAGE.format(title=problem.title, detail=problem.detail, request_id=request_id)
        return make_response(page)
