"""The JSON API describes itself, in a document and on a page."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from playwright.sync_api import sync_playwright
from werkzeug.serving import make_server

from selfservice.web.access import NODES_ONLY, declared_access
from tests.conftest import ADMIN_PASSWORD

CHROMIUM = Path("/usr/bin/chromium")


#: What needs no sign-in: it tells nothing, or checks a signature itself.
OPEN = {"get /healthz", "post /api/v1/repositories/{name}/push"}


@pytest.fixture
def document(signed_in: FlaskClient) -> dict[str, Any]:
    answer = signed_in.get("/api/v1/openapi.json")
    assert answer.status_code == 200
    document: dict[str, Any] = answer.get_json()
    return document


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method != "parameters":
                yield f"{method} {path}", operation


def test_every_route_of_the_api_but_those_of_nodes_is_in_the_document(app: APIFlask, document: dict[str, Any]) -> None:
    own = {"/api/v1/openapi.json"}
    rules = {
        rule.rule
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/") and declared_access(app, rule.endpoint) != NODES_ONLY
    }
    assert {re.sub("<(?:[^:>]+:)?([^>]+)>", r"{\1}", rule) for rule in rules - own} <= set(document["paths"])


def test_every_operation_has_a_group_and_says_how_to_sign_in(document: dict[str, Any]) -> None:
    for name, operation in _operations(document):
        assert operation["tags"], name
        wanted: list[dict[str, list[str]]] = [] if name in OPEN else [{"token": []}, {"session": []}]
        assert operation["security"] == wanted, name
        assert operation["responses"]["default"] == {"$ref": "#/components/responses/Problem"}, name


def test_problems_and_ways_in_are_described(document: dict[str, Any]) -> None:
    assert set(document["components"]["securitySchemes"]) == {"token", "session"}
    assert "detail" in document["components"]["schemas"]["Problem"]["required"]


@pytest.fixture
def address(app: APIFlask) -> Iterator[str]:
    """The dashboard, served on a free port."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM.exists(), reason="install the Debian package chromium")
def test_the_page_shows_every_operation_under_the_strict_policy(app: APIFlask, address: str) -> None:
    expected = sum(1 for _ in _operations(app.spec if isinstance(app.spec, dict) else {}))
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        page = browser.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{address}/api/docs")
        page.get_by_label("Name").fill("admin")
        page.get_by_label("Password").fill(ADMIN_PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_selector(".opblock")
        assert page.locator(".opblock").count() == expected
        browser.close()
    assert complaints == []
