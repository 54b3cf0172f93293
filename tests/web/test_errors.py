"""An error is a page for people and problem JSON for programs, and never shows what is inside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from apiflask import APIBlueprint, APIFlask, Schema
from apiflask.fields import Integer, String
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from selfservice import create_app
from selfservice.errors import NotFound
from selfservice.settings import Settings
from selfservice.web import app as web_app
from selfservice.web.access import open_to_everyone


class Order(Schema):
    hosts = String(required=True)
    limit = Integer()


def _broken() -> str:
    raise RuntimeError("the password is hunter2")


def _missing() -> str:
    raise NotFound("There is no run called <b>x</b>.", run="x")


@pytest.fixture
def odd_client(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """A client of a dashboard with routes that go wrong."""

    def register(app: APIFlask, original: Callable[[APIFlask], None] = web_app._register_capabilities) -> None:
        original(app)
        odd = APIBlueprint("odd", __name__)
        for prefix in ("/odd", "/api/v1/odd"):
            name = prefix.strip("/").replace("/", "-")
            odd.add_url_rule(f"{prefix}/broken", f"{name}-broken", open_to_everyone(_broken))
            odd.add_url_rule(f"{prefix}/missing", f"{name}-missing", open_to_everyone(_missing))

        @odd.get("/api/v1/odd/order")
        @odd.input(Order, location="query")
        @open_to_everyone
        def order(query_data: dict[str, Any]) -> dict[str, Any]:
            return query_data

        app.register_blueprint(odd)

    monkeypatch.setattr(web_app, "_register_capabilities", register)
    app = create_app(settings)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    return app.test_client()


def _problem(answer: TestResponse, status: int) -> dict[str, Any]:
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    problem: dict[str, Any] = answer.get_json(force=True)
    assert problem["status"] == status
    assert problem["detail"].endswith((".", "!"))
    return problem


def test_an_unknown_address_is_problem_json_under_api(client: FlaskClient) -> None:
    problem = _problem(client.get("/api/v1/nothing"), 404)
    assert problem["type"] == "urn:selfservice:problem:not-found"
    assert problem["instance"] == "/api/v1/nothing"


def test_an_unknown_address_is_a_page_elsewhere(client: FlaskClient) -> None:
    answer = client.get("/nothing")
    assert answer.status_code == 404
    assert answer.mimetype == "text/html"
    assert "nothing at this address" in answer.get_data(as_text=True)


def test_a_wrong_method_says_which_are_right(client: FlaskClient) -> None:
    answer = client.delete("/api/v1/openapi.json")
    _problem(answer, 405)
    assert "GET" in answer.headers["Allow"]


def test_a_wrong_value_names_its_field_in_a_sentence(odd_client: FlaskClient) -> None:
    problem = _problem(odd_client.get("/api/v1/odd/order?limit=many"), 422)
    assert "“hosts” cannot be used: missing data for required field." in problem["detail"]
    assert {each["field"] for each in problem["errors"]} == {"hosts", "limit"}


def test_an_unforeseen_error_shows_nothing_of_the_inside(
    odd_client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    for path in ("/odd/broken", "/api/v1/odd/broken"):
        answer = odd_client.get(path)
        assert answer.status_code == 500
        assert "hunter2" not in answer.get_data(as_text=True)
        assert answer.headers["X-Request-ID"] in answer.get_data(as_text=True)
    assert "hunter2" in caplog.text


def test_extras_of_an_error_stand_in_its_json(odd_client: FlaskClient) -> None:
    problem = _problem(odd_client.get("/api/v1/odd/missing"), 404)
    assert problem["run"] == "x"


def test_html_in_a_sentence_is_shown_as_text(odd_client: FlaskClient) -> None:
    page = odd_client.get("/odd/missing").get_data(as_text=True)
    assert "&lt;b&gt;x&lt;/b&gt;" in page
    assert "<b>x</b>" not in page


def test_more_than_a_mebibyte_is_refused(client: FlaskClient) -> None:
    answer = client.post("/sign-in", data={"name": "a" * (1024 * 1024 + 1)})
    assert answer.status_code == 413
    assert "1 MiB" in answer.get_data(as_text=True)


@pytest.mark.parametrize("number", [2**31, 2**63, 10**30])
def test_a_number_larger_than_any_record_has_is_told_and_breaks_nothing(
    signed_in: FlaskClient, csrf_of: Callable[[FlaskClient], str], number: int
) -> None:
    assert signed_in.get(f"/schedules/{number}").status_code == 404
    _problem(signed_in.get(f"/api/v1/edits/{number}"), 404)
    form = {"csrf_token": csrf_of(signed_in), "display_name": "A", "role": "administrator", "version": str(number)}
    assert signed_in.post("/people/admin", data={**form, "active": "yes"}).status_code in {409, 422}


def test_a_broken_error_page_still_answers(odd_client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> str:
        raise RuntimeError("template")

    monkeypatch.setattr("selfservice.web.errors.render_template", fail)
    answer = odd_client.get("/odd/missing")
    assert answer.status_code == 404
    assert "&lt;b&gt;" in answer.get_data(as_text=True)
