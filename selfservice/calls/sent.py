"""What a browser or a program sent for a call, turned into a call."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from werkzeug.datastructures import MultiDict

from selfservice.calls.call import CallKind, NewCall
from selfservice.errors import BadInput
from selfservice.tasks.forms import wait_seconds


def call_of_json(body: Mapping[str, Any], key: str) -> NewCall:
    """The call in a JSON body. Raises BadInput naming the field."""
    nodes, kind = body.get("nodes"), CallKind.HTTP if "path" in body else CallKind.TASK
    if not isinstance(nodes, list) or not all(isinstance(each, str) for each in nodes):
        raise BadInput("`nodes` is a list of names.", "nodes")
    params, headers = body.get("params", {}), body.get("headers", {})
    if not isinstance(params, dict):
        raise BadInput("`params` is a JSON object.", "params")
    if not isinstance(headers, dict) or not all(isinstance(each, str) for each in headers.values()):
        raise BadInput("`headers` is an object of texts.", "headers")
    return NewCall(
        kind,
        tuple(dict.fromkeys(nodes)),
        type=_text(body, "type") if kind is CallKind.TASK else "",
        params=params,
        wait=wait_seconds(body),
        method=_text(body, "method", "GET").upper(),
        path=_text(body, "path", ""),
        headers=headers,
        body=body.get("body"),
        key=key,
    )


def call_of_form(form: MultiDict[str, str], schema: Mapping[str, Any] | None, key: str) -> NewCall:
    """The call in a sent form: of a task where there is its schema, of a request where there is none.

    Raises BadInput naming the field.
    """
    nodes = tuple(dict.fromkeys(form.getlist("nodes")))
    if schema is not None:
        return NewCall(CallKind.TASK, nodes, type=form.get("type", ""), params=params_of(form, schema), key=key)
    return NewCall(
        CallKind.HTTP,
        nodes,
        method=form.get("method", "GET"),
        path=form.get("path", "").strip(),
        headers=_headers(form.get("headers", "")),
        body=_json(form.get("body", "")),
        key=key,
    )


def params_of(form: MultiDict[str, str], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters by the types of their JSON Schema; what is left empty has its default. Raises BadInput."""
    required, found = schema.get("required", ()), {}
    for name, option in schema.get("properties", {}).items():
        text = form.get(f"params.{name}", "")
        if option.get("type") == "boolean":
            found[name] = f"params.{name}" in form
        elif text.strip() or name in required:
            found[name] = _value(text.strip(), option, name)
    return found


def _value(text: str, option: Mapping[str, Any], name: str) -> Any:
    field = f"params.{name}"
    if not text:
        raise BadInput("This is needed.", field)
    kind = option.get("type", "string")
    if kind == "string":
        return text
    try:
        if kind == "integer":
            return int(text)
        if kind == "number":
            return float(text)
        return json.loads(text)
    except (ValueError, RecursionError):
        raise BadInput(
            {"integer": "Give a whole number.", "number": "Give a number."}.get(kind, "Give JSON."), field
        ) from None


def _headers(text: str) -> dict[str, str]:
    found = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise BadInput("Write one header a line, as in `Accept: text/plain`.", "headers")
        found[name.strip()] = value.strip()
    return found


def _json(text: str) -> Any:
    if not text.strip():
        return None
    try:
        return json.loads(text)
    except ValueError as error:
        raise BadInput(f"The body is no JSON: {error}.", "body") from error
    except RecursionError as error:
        raise BadInput("The body is nested too deeply.", "body") from error


def _text(body: Mapping[str, Any], name: str, default: str | None = None) -> str:
    found = body.get(name, default)
    if not isinstance(found, str):
        raise BadInput(f"`{name}` is a text.", name)
    return found
