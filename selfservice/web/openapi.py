"""The OpenAPI document of the JSON API, and the page that shows it."""

from __future__ import annotations

import re
from typing import Any, cast

from apiflask import APIFlask
from flask import Blueprint, jsonify, render_template
from flask.typing import ResponseReturnValue

from selfservice.accounts.permissions import Permission
from selfservice.web.access import declared_access, requires
from selfservice.web.errors import PROBLEM_JSON

_ARGUMENT = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")
_METHODS = frozenset({"get", "post", "put", "patch", "delete"})
_DESCRIPTION = (
    "Everything the pages do, for scripts. Send a token as `Authorization: Bearer …`, made under “API "
    "tokens” in the account menu or by `python run.py token create`; a browser that is signed in uses its session, "
    "and then sends the page's CSRF token as `X-CSRFToken` with whatever changes something. Errors are problem JSON "
    "(RFC 9457): `detail` is a sentence that says what to do."
)
_SECURITY_SCHEMES = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token of a person; its scope (read, launch, administer) says how far it goes.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "selfservice",
        "description": "The session of a person who signed in at /sign-in.",
    },
}
_PROBLEM = {
    "type": "object",
    "description": "What went wrong and what to do (RFC 9457).",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {
            "type": "string",
            "description": "The kind of problem, as a URN.",
        },
        "title": {"type": "string", "description": "The kind of problem in a few words."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "detail": {"type": "string", "description": "What happened here and what to do, in a sentence."},
        "instance": {"type": "string", "description": "The path that was asked for."},
        "request_id": {"type": "string", "description": "Names this request in the logs of the node."},
        "field": {"type": "string", "description": "The value that cannot be used, where it is one value."},
        "errors": {
            "type": "array",
            "description": "Every value that cannot be used.",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}
_PROBLEM_CONTENT = {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}


def install(app: APIFlask) -> None:
    """Serve the document of `app` and its page, to whoever is signed in."""
    app.config.update(
        DESCRIPTION=_DESCRIPTION,
        SERVERS=[{"url": "/"}],
        AUTO_SERVERS=False,
        AUTO_404_RESPONSE=False,
        AUTO_VALIDATION_ERROR_RESPONSE=False,
    )
    app.spec_processor(lambda document: _complete(app, cast(dict[str, Any], document)))
    blueprint = Blueprint("openapi", __name__)

    @blueprint.get("/api/docs")
    @requires(Permission.HOME_VIEW)
    def docs() -> ResponseReturnValue:
        return render_template("openapi/docs.html")

    @blueprint.get("/api/v1/openapi.json")
    @requires(Permission.HOME_VIEW)
    def spec() -> ResponseReturnValue:
        return jsonify(app.spec)

    app.register_blueprint(blueprint)


def sent_as(content_type: str, description: str) -> dict[int | str, dict[str, str | dict[str, dict[str, Any]]]]:
    """The `responses` of an operation that gives no JSON."""
    return {200: {"description": description, "content": {content_type: {"schema": {"type": "string"}}}}}


def _complete(app: APIFlask, document: dict[str, Any]) -> dict[str, Any]:
    """Add what holds for every operation: how to sign in, which right it needs, how errors look."""
    components = document.setdefault("components", {})
    components["securitySchemes"] = _SECURITY_SCHEMES
    components.setdefault("schemas", {})["Problem"] = _PROBLEM
    components.setdefault("responses", {})["Problem"] = {
        "description": "It could not be done; `detail` says why and what to do.",
        "content": _PROBLEM_CONTENT,
    }
    rights = _rights(app)
    for path, operations in document.get("paths", {}).items():
        for method, operation in operations.items():
            if method in _METHODS:
                _complete_operation(operation, rights.get((path, method)))
    return document


def _complete_operation(operation: dict[str, Any], right: Permission | None) -> None:
    answers = operation.setdefault("responses", {})
    for status, answer in answers.items():
        if status[0] in "45":
            answer["content"] = _PROBLEM_CONTENT
    if not any(status[0] == "2" for status in answers):
        answers["200"] = {"description": "It is done.", "content": {"application/json": {"schema": {}}}}
    answers["default"] = {"$ref": "#/components/responses/Problem"}
    if right is None:
        operation["security"] = []
        return
    operation["security"] = [{"token": []}, {"session": []}]
    said = operation.get("description", "")
    operation["description"] = f"{said}\n\nNeeds the right `{right}`.".strip()


def _rights(app: APIFlask) -> dict[tuple[str, str], Permission]:
    """The right that each path and method needs."""
    rights: dict[tuple[str, str], Permission] = {}
    for rule in app.url_map.iter_rules():
        declared = declared_access(app, rule.endpoint)
        if isinstance(declared, Permission):
            path = _ARGUMENT.sub(r"{\1}", rule.rule)
            rights |= {(path, method.lower()): declared for method in rule.methods or ()}
    return rights
