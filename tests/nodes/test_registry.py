"""The pages and routes of nodes: who may add one, what is shown once, what is never shown."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from selfservice.audit.actions import Actor
from selfservice.nodes.nodes import Nodes
from tests.accounts.test_accounts import ALICE_PASSWORD

TERMINAL = Actor("tests", "terminal", "local")
ADDRESS = "https://web-1.example.org:5001"


@pytest.fixture
def nodes(app: APIFlask) -> Nodes:
    found: Nodes = app.extensions["selfservice"].nodes
    found.ensure_own()
    return found


@pytest.fixture
def alice(app: APIFlask, sign_in: Callable[..., FlaskClient]) -> FlaskClient:
    """Somebody who is no administrator."""
    app.extensions["selfservice"].accounts.create_person("alice", ALICE_PASSWORD, TERMINAL)
    return sign_in(app.test_client(), "alice", ALICE_PASSWORD)


def test_a_token_is_shown_once_and_kept_out_of_caches(
    signed_in: FlaskClient, nodes: Nodes, csrf_of: Callable[..., str]
) -> None:
    form = {"csrf_token": csrf_of(signed_in), "name": "web-1", "address": ADDRESS}
    answer = signed_in.post("/nodes", data=form)
    page = answer.get_data(as_text=True)
    token = page.split('id="token">')[1].split("<")[0]
    assert nodes.verify(token) is not None
    assert answer.headers["Cache-Control"] == "no-store"
    assert "run.py join http://localhost:5000 --name web-1" in page
    for path in ("/nodes", "/nodes/web-1", "/api/v1/nodes", "/history"):
        assert token not in signed_in.get(path).get_data(as_text=True)
    again = signed_in.post("/nodes", data=form)
    assert (again.status_code, "already" in again.get_data(as_text=True)) == (422, True)


def test_a_new_token_can_be_had_and_the_old_one_is_said_to_be_good(
    signed_in: FlaskClient, nodes: Nodes, csrf_of: Callable[..., str]
) -> None:
    _, old = nodes.add("web-1", ADDRESS, TERMINAL)
    page = signed_in.post("/nodes/web-1/token", data={"csrf_token": csrf_of(signed_in)}).get_data(as_text=True)
    assert "The old token stays good for a day" in page
    assert nodes.verify(old) is not None
    assert "The token before this one is good until" in signed_in.get("/nodes/web-1").get_data(as_text=True)


def test_what_a_node_may_ask_is_chosen_among_the_types_there_are(
    signed_in: FlaskClient, nodes: Nodes, csrf_of: Callable[..., str]
) -> None:
    nodes.add("web-1", ADDRESS, TERMINAL)
    form = {"csrf_token": csrf_of(signed_in), "address": ADDRESS, "may_ask": ["disk_usage", "nothing"]}
    assert signed_in.post("/nodes/web-1", data=form).status_code == 303
    assert nodes.get("web-1").may_ask == ["disk_usage"]


def test_only_administrators_change_nodes(alice: FlaskClient, nodes: Nodes, csrf_of: Callable[..., str]) -> None:
    nodes.add("web-1", ADDRESS, TERMINAL)
    form = {"csrf_token": csrf_of(alice), "name": "web-2", "address": ADDRESS}
    for path in ("/nodes", "/nodes/web-1", "/nodes/web-1/token", "/nodes/web-1/revoke", "/nodes/web-1/remove"):
        assert alice.post(path, data=form).status_code == 403, path
    page = alice.get("/nodes").get_data(as_text=True)
    assert "web-1" in page and "Add a worker" not in page
    assert "Shut out" not in alice.get("/nodes/web-1").get_data(as_text=True)


def test_a_shut_out_node_is_shown_as_such_and_can_be_removed(
    signed_in: FlaskClient, nodes: Nodes, csrf_of: Callable[..., str]
) -> None:
    nodes.add("web-1", ADDRESS, TERMINAL)
    token = {"csrf_token": csrf_of(signed_in)}
    signed_in.post("/nodes/web-1/revoke", data=token)
    assert "Shut out" in signed_in.get("/nodes").get_data(as_text=True)
    signed_in.post("/nodes/web-1/remove", data=token)
    assert signed_in.get("/nodes/web-1").status_code == 404


def test_scripts_add_rotate_and_shut_out(app: APIFlask, nodes: Nodes, make_token: Callable[..., str]) -> None:
    client, headers = app.test_client(), {"Authorization": f"Bearer {make_token()}"}
    made = client.post("/api/v1/nodes", json={"name": "web-1", "address": ADDRESS}, headers=headers)
    assert (made.status_code, nodes.verify(made.json["token"]) is not None) == (201, True)
    new = client.post("/api/v1/nodes/web-1/token", headers=headers).json["token"]
    assert client.post("/api/v1/nodes/web-1/revoke", headers=headers).json["revoked"] is True
    assert nodes.verify(new) is None
    names = [node["name"] for node in client.get("/api/v1/nodes", headers=headers).json["nodes"]]
    assert names == ["master", "web-1"]
    assert client.delete("/api/v1/nodes/web-1", headers=headers).status_code == 204
    assert client.delete("/api/v1/nodes/web-1", headers=headers).status_code == 404


def test_where_certificates_are_not_checked_the_page_warns(
    app: APIFlask, signed_in: FlaskClient, nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "SELFSERVICE_VERIFY_TLS" not in signed_in.get("/nodes").get_data(as_text=True)
    object.__setattr__(app.extensions["selfservice"].settings, "verify_tls", False)
    assert "anybody in between can read tokens" in signed_in.get("/nodes").get_data(as_text=True)
