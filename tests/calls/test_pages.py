"""The page of API calls: the form follows the schema, what is wrong stands beside its field."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from selfservice.audit.actions import Actor
from selfservice.calls.call import AnswerState, CallKind, NewCall, NodeAnswer
from selfservice.calls.calls import Calls
from tests.accounts.test_accounts import ALICE_PASSWORD

ADMIN = Actor("admin", "session", "127.0.0.1")


@pytest.fixture
def calls(app: APIFlask) -> Calls:
    own = app.extensions["selfservice"]
    own.nodes.ensure_own()
    own.nodes.add("web-1", "https://web-1.example.org", ADMIN)
    found: Calls = own.calls
    return found


def post(client: FlaskClient, csrf_of: Callable[..., str], **form: object) -> tuple[int, str, str]:
    answer = client.post("/calls", data={"csrf_token": csrf_of(client), "key": "k", **form})
    return answer.status_code, answer.get_data(as_text=True), answer.headers.get("Location", "")


def test_the_form_is_that_of_the_chosen_type(signed_in: FlaskClient, calls: Calls) -> None:
    page = signed_in.get("/calls?type=tail_log&nodes=web-1").get_data(as_text=True)
    assert 'name="params.path"' in page and "An absolute path on the node." in page
    assert 'value="web-1" id="node-web-1" checked' in page
    assert 'name="params.path"' not in signed_in.get("/calls?type=disk_usage").get_data(as_text=True)


def test_what_is_sent_is_kept_as_the_schema_types_it(
    signed_in: FlaskClient, calls: Calls, csrf_of: Callable[..., str]
) -> None:
    form = {"type": "list_folder", "nodes": ["web-1", "master"], "params.path": "/srv", "params.limit": "20"}
    status, _, where = post(signed_in, csrf_of, **form)
    assert status == 303
    call = calls.files.get(where.rsplit("/", 1)[1])
    assert call.what.params == {"path": "/srv", "limit": 20, "hidden": False}
    assert call.what.nodes == ("web-1", "master")
    assert post(signed_in, csrf_of, **form)[2] == where  # the same form, sent twice


@pytest.mark.parametrize(
    "form, words",
    [
        ({"type": "disk_usage"}, "Choose at least one node."),
        ({"type": "list_folder", "nodes": "web-1"}, "This is needed."),
        ({"type": "list_folder", "nodes": "web-1", "params.path": "srv"}, "cannot be used"),
        ({"type": "port_check", "nodes": "web-1", "params.port": "ssh"}, "Give a whole number."),
        ({"type": "http", "nodes": "web-1", "path": "//evil"}, "A path begins with one slash"),
        ({"type": "http", "nodes": "web-1", "path": "/", "body": "{"}, "The body is no JSON"),
        ({"type": "http", "nodes": "web-1", "path": "/", "headers": "x"}, "one header a line"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(
    signed_in: FlaskClient, calls: Calls, csrf_of: Callable[..., str], form: dict[str, str], words: str
) -> None:
    status, page, _ = post(signed_in, csrf_of, **form)
    assert (status, words in page) == (422, True)
    for name, value in form.items():
        if name.startswith("params."):
            assert f'value="{value}"' in page
    assert calls.files.open() == []


def test_answers_are_shown_with_their_sentences_and_nothing_of_them_is_html(
    signed_in: FlaskClient, calls: Calls
) -> None:
    call = calls.send(NewCall(CallKind.TASK, ("web-1",), type="disk_usage"), ADMIN)
    evil = {"rows": [{"name": "<script>alert(1)</script>", "size": 3}], "none": None, "deep": [[["x"]]]}
    answer = NodeAnswer("web-1", AnswerState.SUCCESSFUL, http_status=200, seconds=0.4, result=evil, why="<b>so</b>")
    calls.files.change(call.id, "web-1", lambda _: answer)
    for path in (f"/calls/{call.id}", f"/calls/{call.id}/answers"):
        page = signed_in.get(path).get_data(as_text=True)
        assert "&lt;script&gt;alert(1)" in page and "<script>alert" not in page and "<b>so" not in page
        assert "HTTP 200" in page and "1 of 1 answered" in page


def test_any_path_is_for_those_with_that_right(
    app: APIFlask, calls: Calls, sign_in: Callable[..., FlaskClient], csrf_of: Callable[..., str]
) -> None:
    app.extensions["selfservice"].accounts.create_person("alice", ALICE_PASSWORD, ADMIN)
    alice = sign_in(app.test_client(), "alice", ALICE_PASSWORD)
    assert 'value="http"' not in alice.get("/calls?type=http").get_data(as_text=True)
    assert post(alice, csrf_of, type="http", nodes="web-1", path="/")[0] == 403
    assert post(alice, csrf_of, type="disk_usage", nodes="web-1")[0] == 303
