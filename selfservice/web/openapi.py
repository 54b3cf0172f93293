"""The OpenAPI document of the JSON API."""

from __future__ import annotations

from typing import Any

from apiflask import APIFlask
from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from selfservice.accounts.permissions import Permission
from selfservice.web.access import requires


def install(app: APIFlask) -> None:
    """Serve the document of `app`."""
    blueprint = Blueprint("openapi", __name__)

    @blueprint.get("/api/v1/openapi.json")
    @requires(Permission.HOME_VIEW)
    def spec() -> ResponseReturnValue:
        document: Any = app.spec
        return jsonify(document)

    app.register_blueprint(blueprint)
