"""The History page and its export."""

from __future__ import annotations

import json

import pytest
from flask import Flask
from flask.testing import FlaskClient

from selfservice.audit.actions import Action, Actor, Kind


def act(app: Flask, target: str, person: str = "bob") -> None:
    app.extensions["selfservice"].journal.append(
        Action(Kind.RUN_LAUNCH, Actor(person, "session", "192.0.2.7"), target, hosts=("web-1",))
    )


def test_what_people_did_is_shown_as_text(app: Flask, signed_in: FlaskClient) -> None:
    act(app, "<script>alert(1)</script>")
    page = signed_in.get("/history").text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert(1)" not in page


def test_the_filter_stands_in_the_url(app: Flask, signed_in: FlaskClient) -> None:
    act(app, "uptime", "bob")
    act(app, "free -m", "carol")
    page = signed_in.get("/history?person=bob").text
    assert "uptime" in page
    assert "free -m" not in page


def test_nothing_that_fits_is_explained(signed_in: FlaskClient) -> None:
    assert "Nothing fits this filter" in signed_in.get("/history?q=nowhere").text


def test_a_date_that_is_none_is_said_beside_its_field(signed_in: FlaskClient) -> None:
    answer = signed_in.get("/history?since=yesterday")
    assert answer.status_code == 422
    assert "is no date" in answer.text
    assert "Nothing fits this filter" not in answer.text


@pytest.mark.parametrize("cursor", ["x'y", "²", "9" * 30])
def test_a_place_in_the_list_that_is_none_is_told_instead_of_an_empty_history(
    signed_in: FlaskClient, cursor: str
) -> None:
    answer = signed_in.get("/history", query_string={"cursor": cursor})
    assert answer.status_code == 422
    assert "is not a cursor that this list gave" in answer.text
    assert "Nothing has happened yet" not in answer.text


def test_an_export_holds_what_the_filter_leaves_and_is_itself_recorded(app: Flask, signed_in: FlaskClient) -> None:
    act(app, "=cmd()", "bob")
    act(app, "free -m", "carol")
    table = signed_in.get("/history/export?format=csv&person=bob").text.splitlines()
    assert len(table) == 2
    assert ",'=cmd()," in table[1]
    values = [json.loads(line) for line in signed_in.get("/history/export?format=json").text.splitlines()]
    assert values[0]["kind"] == "audit:export"
    assert values[-1]["kind"]


def test_the_api_gives_the_same_actions_page_by_page(app: Flask, signed_in: FlaskClient) -> None:
    for number in range(3):
        act(app, f"command {number}")
    first = signed_in.get("/api/v1/actions?person=bob&limit=2").json
    assert [action["target"] for action in first["actions"]] == ["command 2", "command 1"]
    rest = signed_in.get(f"/api/v1/actions?person=bob&limit=2&cursor={first['next_cursor']}").json
    assert [action["target"] for action in rest["actions"]] == ["command 0"]
    assert rest["next_cursor"] is None
