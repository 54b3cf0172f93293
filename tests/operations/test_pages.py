"""The catalogue, the forms and the API of operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from selfservice.accounts.permissions import Permission
from selfservice.accounts.roles import Author
from selfservice.audit.actions import Actor
from selfservice.runs.run import Run
from tests.operations.playbooks import Playbooks

HELLO = "/api/v1/operations/say_hello/runs"


@pytest.fixture
def send(signed_in: FlaskClient, csrf_of: Callable[..., str]) -> Callable[..., TestResponse]:
    """Post to a page of operations."""
    token = csrf_of(signed_in)

    def post(path: str, **values: object) -> TestResponse:
        named = {name.replace("__", "."): value for name, value in values.items()}
        return signed_in.post(f"/operations/{path}", data={"csrf_token": token, **named})

    return post


def run_of(app: Flask, answer: TestResponse) -> Run:
    """The run that a launch led to."""
    assert answer.status_code == 303, answer.text
    run: Run = app.extensions["selfservice"].runs.get(answer.location.rpartition("/")[2])[0]
    return run


def test_the_catalogue_lists_what_can_be_asked_and_names_what_is_broken(signed_in: FlaskClient) -> None:
    page = signed_in.get("/operations").text
    assert "Say hello" in page
    assert "broken.yml:4" in page
    assert "Unknown key titel" in page
    assert "Say hello" not in signed_in.get("/operations?q=note").text


def test_a_broken_operation_has_no_form_and_is_not_started(signed_in: FlaskClient, send: Any) -> None:
    assert '<form method="post" action="/operations/broken"' not in signed_in.get("/operations/broken").text
    assert send("broken", hosts="master").status_code == 409


def test_a_form_becomes_a_queued_run(app: Flask, send: Any) -> None:
    run = run_of(app, send("say_hello", hosts="all", v__greeting="Ahoy"))
    request = run.request
    assert (request.operation, request.title, request.playbook) == ("say_hello", "Say hello", "say_hello.yml")
    assert (request.host_names, request.variables, request.check) == (("master",), {"greeting": "Ahoy"}, False)


def test_what_was_typed_is_kept_when_something_is_wrong(send: Any) -> None:
    answer = send("every_kind", hosts="master", v__count="many", v__names="ann\r\nbob", v__password="hunter2")
    assert answer.status_code == 422
    assert 'value="many"' in answer.text
    assert "ann\nbob" in answer.text
    assert "This must be a whole number." in answer.text
    assert "hunter2" not in answer.text


def test_lists_and_mappings_come_from_their_fields(app: Flask, send: Any) -> None:
    run = run_of(
        app,
        send(
            "every_kind",
            hosts="master",
            v__sure="true",
            v__days=["", "mon", "wed"],
            v__limits__disk="80",
            v__rules__0__port="22",
            v__rules__0__protocol="tcp",
            v__rules__1__port="",
            v__rules__1__protocol="tcp",
            v__extra="a: 1",
        ),
    )
    variables = run.request.variables
    assert variables["days"] == ["mon", "wed"]
    assert variables["limits"] == {"disk": "80"}
    assert variables["rules"] == [{"port": "22", "protocol": "tcp"}]
    assert variables["extra"] == {"a": 1}


def test_a_hidden_field_as_it_was_is_no_matter_and_filled_in_is_refused(app: Flask, send: Any) -> None:
    run = run_of(app, send("every_kind", hosts="master", v__sure="true", v__script="x", v__path=""))
    assert "path" not in run.request.variables
    answer = send("every_kind", hosts="master", v__sure="true", v__path="/etc/motd")
    assert "This counts only where" in answer.text


def test_a_secret_is_in_no_file(app: Flask, send: Any) -> None:
    run = run_of(app, send("every_kind", hosts="master", v__sure="true", v__password="hunter2"))
    assert run.request.secret_names == ("password",)
    home = app.extensions["selfservice"].settings.home
    assert not [path for path in home.rglob("*") if path.is_file() and b"hunter2" in path.read_bytes()]


def test_what_is_dangerous_has_to_be_agreed_to(app: Flask, send: Any) -> None:
    answer = send("write_note", hosts="master", v__path="/tmp/x")
    assert "Say that this is what you want." in answer.text
    run_of(app, send("write_note", hosts="master", v__path="/tmp/x", confirmed="yes"))


def test_a_preview_needs_no_agreement_and_changes_nothing(app: Flask, send: Any) -> None:
    assert run_of(app, send("write_note", hosts="master", v__path="/tmp/x", check="yes")).request.check


def test_apply_runs_the_same_for_real(app: Flask, send: Any) -> None:
    preview = run_of(app, send("write_note", hosts="master", v__path="/tmp/x", v__text="", check="yes"))
    real = run_of(app, send(f"write_note/again/{preview.id}", apply="yes"))
    assert (real.request.check, real.again_of) == (False, preview.id)
    assert real.request.variables == preview.request.variables == {"path": "/tmp/x", "text": ""}


def test_a_double_click_starts_one_run(app: Flask, send: Any) -> None:
    clicks = [run_of(app, send("say_hello", hosts="master", key="nonce")) for _ in range(2)]
    assert clicks[0].id == clicks[1].id


def test_the_same_twice_is_told_and_may_be_forced(app: Flask, send: Any) -> None:
    first = run_of(app, send("say_hello", hosts="master"))
    told = send("say_hello", hosts="master")
    assert told.status_code == 409
    assert f"/runs/{first.id}" in told.text
    assert "Start it all the same" in told.text
    assert run_of(app, send("say_hello", hosts="master", force="yes")).id != first.id


def test_a_policy_of_refusal_cannot_be_forced(app: Flask, send: Any) -> None:
    run_of(app, send("write_note", hosts="master", v__path="/tmp/x", confirmed="yes"))
    told = send("write_note", hosts="master", v__path="/tmp/x", confirmed="yes", force="yes")
    assert (told.status_code, "Start it all the same" in told.text) == (409, False)


def test_hosts_outside_the_allowed_ones_are_refused(playbooks: Playbooks, send: Any) -> None:
    playbooks.operation("local", sidecar="hosts: {allowed: workers}\n")
    answer = send("local", hosts="master")
    assert answer.status_code == 422


def test_a_playbook_without_a_spec_takes_yaml(app: Flask, send: Any) -> None:
    assert run_of(app, send("no_spec", hosts="master", variables="anything: [1, 2]")).request.variables == {
        "anything": [1, 2]
    }
    assert "This is no YAML" in send("no_spec", hosts="master", variables="a: [").text
    assert "Variables are a mapping" in send("no_spec", hosts="master", variables="- a").text


def test_the_form_takes_over_the_values_of_a_run(app: Flask, signed_in: FlaskClient, send: Any) -> None:
    run = run_of(app, send("say_hello", hosts="master", v__greeting="Ahoy"))
    page = signed_in.get(f"/operations/say_hello?values_of={run.id}").text
    assert 'value="Ahoy"' in page


def test_the_api_launches_once_per_key(signed_in_api: Callable[..., TestResponse]) -> None:
    body = {"hosts": "master", "variables": {"greeting": "Hi"}}
    answers = [signed_in_api("POST", HELLO, json=body, headers={"Idempotency-Key": "abc"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json == answers[1].json
    body["variables"] = {"greeting": "Bye"}
    other = signed_in_api("POST", HELLO, json=body, headers={"Idempotency-Key": "abc"})
    assert (other.status_code, other.json["type"]) == (422, "urn:selfservice:problem:idempotency-key-reused")


def test_the_api_tells_of_the_same_running_unless_forced(signed_in_api: Callable[..., TestResponse]) -> None:
    first = signed_in_api("POST", HELLO, json={"hosts": "master"}).json
    told = signed_in_api("POST", HELLO, json={"hosts": "master"})
    assert (told.status_code, told.json["run_id"]) == (409, first["id"])
    assert signed_in_api("POST", HELLO, json={"hosts": "master", "force": True}).status_code == 201


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("say_hello", {"hosts": "master", "variables": {"other": 1}}, 422),
        ("say_hello", {"hosts": "nowhere"}, 422),
        ("say_hello", {"variables": {}}, 422),
        ("say_hello", {"hosts": "master", "variables": [1]}, 422),
        ("nothing", {"hosts": "master"}, 404),
        ("broken", {"hosts": "master"}, 409),
    ],
)
def test_the_api_refuses_what_cannot_be_used(
    signed_in_api: Callable[..., TestResponse], name: str, body: dict[str, object], status: int
) -> None:
    assert signed_in_api("POST", f"/api/v1/operations/{name}/runs", json=body).status_code == status


def test_the_api_describes_operations_and_their_sidecars(signed_in: FlaskClient) -> None:
    shown = signed_in.get("/api/v1/operations/every_kind").json
    assert shown["variables"][0]["choices"] == ["eu", "us"]
    assert {each["name"] for each in signed_in.get("/api/v1/operations").json["operations"]} >= {"say_hello", "broken"}
    assert signed_in.get("/api/v1/schemas/operation").json["title"] == "Operation"


def test_an_operation_for_others_does_not_exist_for_bob(
    app: Flask, playbooks: Playbooks, sign_in_as: Callable[..., FlaskClient]
) -> None:
    playbooks.operation("secretly", sidecar="title: Secretly\nwho: {people: [alice]}\n")
    bob, alice = sign_in_as("bob"), sign_in_as("alice")
    assert "Secretly" not in bob.get("/operations").text
    assert bob.get("/operations/secretly").status_code == 404
    assert "Secretly" in alice.get("/operations").text


def test_an_operation_is_for_the_people_of_its_roles_and_their_tokens(
    app: Flask, playbooks: Playbooks, sign_in_as: Callable[..., FlaskClient], make_token: Callable[..., str]
) -> None:
    playbooks.operation("nightly", sidecar="title: Nightly\nwho: {roles: [night-shift]}\n")
    alice = sign_in_as("alice")
    assert alice.get("/operations/nightly").status_code == 404
    accounts = app.extensions["selfservice"].accounts
    author = Author(Actor("root", "terminal", "local"), frozenset(Permission))
    accounts.roles.create("night-shift", "", ["operation:launch", "project:outside"], author)
    accounts.people.give_role("alice", "night-shift", author)
    headers = {"Authorization": f"Bearer {make_token('night', 'launch', 'alice')}"}
    assert app.test_client().get("/api/v1/operations/nightly", headers=headers).status_code == 200
    accounts.people.give_role("alice", "technical-agent", author)
    assert app.test_client().get("/api/v1/operations/nightly", headers=headers).status_code == 404
