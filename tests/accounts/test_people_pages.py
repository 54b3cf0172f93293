"""People and roles, as those see them who look after them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from selfservice.accounts.accounts import Accounts
from selfservice.accounts.builtin_roles import ADMINISTRATOR, VIEWER
from tests.accounts.conftest import ALICE_PASSWORD, TERMINAL
from tests.conftest import ADMIN_PASSWORD

CsrfOf = Callable[..., str]
SignIn = Callable[..., FlaskClient]


@pytest.fixture
def accounts(app: APIFlask) -> Accounts:
    found: Accounts = app.extensions["selfservice"].accounts
    return found


@pytest.fixture
def alice(app: APIFlask, accounts: Accounts, sign_in: SignIn) -> FlaskClient:
    """A technical agent, signed in."""
    accounts.create_person("alice", ALICE_PASSWORD, TERMINAL, display_name="Alice")
    return sign_in(app.test_client(), "alice", ALICE_PASSWORD)


def _form(client: FlaskClient, csrf_of: CsrfOf, **fields: object) -> dict[str, object]:
    return {"csrf_token": csrf_of(client), **fields}


def test_somebody_is_added_and_signs_in_with_the_password_shown_once(
    app: APIFlask, signed_in: FlaskClient, csrf_of: CsrfOf, sign_in: SignIn
) -> None:
    form = _form(signed_in, csrf_of, name="Bob", display_name="Bob B.", role=VIEWER)
    answer = signed_in.post("/people", data=form)
    assert answer.headers["Cache-Control"] == "no-store"
    password = answer.text.split('id="token">')[1].split("<")[0]
    bob = sign_in(app.test_client(), "bob", password)
    assert "Viewer" in signed_in.get("/people").text
    assert bob.get("/runs").status_code == 200
    assert bob.get("/commands").status_code == 403


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"name": "a b"}, "cannot be used"),
        ({"name": "\u0430dmin"}, "cannot be used"),  # Cyrillic, and looks the same
        ({"name": "admin"}, "There is an account called admin already"),
        ({"name": "bob", "display_name": "x" * 121}, "name to show is one line"),
    ],
)
def test_what_cannot_be_added_is_said_beside_its_field(
    signed_in: FlaskClient, csrf_of: CsrfOf, fields: dict[str, str], sentence: str
) -> None:
    answer = signed_in.post("/people", data=_form(signed_in, csrf_of, role=VIEWER, **fields))
    assert answer.status_code in {409, 422}
    assert sentence in answer.text
    assert f'value="{fields["name"]}"' in answer.text


def test_html_and_templates_in_a_name_are_shown_as_text(signed_in: FlaskClient, csrf_of: CsrfOf) -> None:
    shown = "<script>x</script>{{ 7 * 7 }}"
    signed_in.post("/people", data=_form(signed_in, csrf_of, name="bob", display_name=shown, role=VIEWER))
    page = signed_in.get("/people/bob").text
    assert "&lt;script&gt;x&lt;/script&gt;{{ 7 * 7 }}" in page
    assert "<script>x" not in page


def test_another_role_ends_the_session_and_counts_from_then_on(
    app: APIFlask, signed_in: FlaskClient, alice: FlaskClient, csrf_of: CsrfOf, sign_in: SignIn
) -> None:
    assert alice.get("/commands").status_code == 200
    form = _form(signed_in, csrf_of, display_name="Alice", role=VIEWER, active="yes", version="1")
    assert signed_in.post("/people/alice", data=form).status_code == 303
    assert alice.get("/commands").location.startswith("/sign-in")
    assert sign_in(alice, "alice", ALICE_PASSWORD).get("/commands").status_code == 403


def test_somebody_put_out_of_use_is_out_at_once(
    signed_in: FlaskClient, alice: FlaskClient, csrf_of: CsrfOf, accounts: Accounts
) -> None:
    form = _form(signed_in, csrf_of, display_name="Alice", role="technical-agent", version="1")
    signed_in.post("/people/alice", data=form)
    assert alice.get("/runs").location.startswith("/sign-in")
    assert "Out of use" in signed_in.get("/people").text


def test_the_second_of_two_who_edit_is_told_and_keeps_what_was_typed(
    signed_in: FlaskClient, alice: FlaskClient, csrf_of: CsrfOf
) -> None:
    form = _form(signed_in, csrf_of, display_name="Alice", role=VIEWER, active="yes", version="1")
    signed_in.post("/people/alice", data=form)
    answer = signed_in.post("/people/alice", data={**form, "display_name": "Alice, second", "role": ADMINISTRATOR})
    assert answer.status_code == 409
    assert "Somebody else has changed alice" in answer.text
    assert 'value="Alice, second"' in answer.text
    assert 'name="version" value="2"' in answer.text


def test_the_last_administrator_cannot_step_down(signed_in: FlaskClient, csrf_of: CsrfOf, accounts: Accounts) -> None:
    form = _form(signed_in, csrf_of, display_name="Administrator", role=VIEWER, active="yes", version="1")
    answer = signed_in.post("/people/admin", data=form)
    assert answer.status_code == 409
    assert "last administrator" in answer.text
    assert accounts.people.get("admin").is_administrator


def test_fields_that_are_not_asked_for_change_nothing(
    signed_in: FlaskClient, alice: FlaskClient, csrf_of: CsrfOf, accounts: Accounts
) -> None:
    before = accounts.people.get("alice")
    form = _form(signed_in, csrf_of, display_name="Alice", role="technical-agent", active="yes", version="1")
    planted = {"name": "mallory", "password_hash": "x", "id": "99", "session_version": "7"}
    signed_in.post("/people/alice", data={**form, **planted})
    after = accounts.people.get("alice")
    assert (after.id, after.name, after.password_hash, after.session_version) == (
        before.id, before.name, before.password_hash, before.session_version,
    )  # fmt: skip


def test_a_forgotten_password_is_replaced(
    app: APIFlask, signed_in: FlaskClient, alice: FlaskClient, csrf_of: CsrfOf, sign_in: SignIn
) -> None:
    answer = signed_in.post("/people/alice/password", data=_form(signed_in, csrf_of))
    password = answer.text.split('id="token">')[1].split("<")[0]
    assert alice.get("/runs").location.startswith("/sign-in")
    assert sign_in(app.test_client(), "alice", password).get("/runs").status_code == 200


@pytest.mark.parametrize("path", ["/people", "/people/admin", "/roles", "/roles/viewer", "/roles/new"])
def test_people_and_roles_are_for_administrators(alice: FlaskClient, csrf_of: CsrfOf, path: str) -> None:
    assert alice.get(path).status_code == 403
    assert 'href="/people"' not in alice.get("/").text


def test_a_role_is_made_given_changed_and_removed(
    signed_in: FlaskClient, alice: FlaskClient, csrf_of: CsrfOf, accounts: Accounts, sign_in: SignIn
) -> None:
    token = csrf_of(signed_in)
    form = {"csrf_token": token, "name": "night-shift", "description": "At night", "permissions": ["run:read"]}
    assert signed_in.post("/roles/new", data=form).status_code == 303
    assert "Night shift" in signed_in.get("/roles").text
    standing = {"display_name": "Alice", "role": "night-shift", "active": "yes", "version": "1"}
    signed_in.post("/people/alice", data={"csrf_token": token, **standing})
    sign_in(alice, "alice", ALICE_PASSWORD)
    assert (alice.get("/runs").status_code, alice.get("/hosts").status_code) == (200, 403)
    changed = {"csrf_token": token, "permissions": ["host:read"], "version": "1"}
    assert signed_in.post("/roles/night-shift", data=changed).status_code == 303
    assert (alice.get("/runs").status_code, alice.get("/hosts").status_code) == (403, 200)
    assert signed_in.post("/roles/night-shift", data=changed).status_code == 409
    assert signed_in.post("/roles/night-shift/remove", data={"csrf_token": token}).status_code == 409
    accounts.create_person("root", ADMIN_PASSWORD, TERMINAL, role=ADMINISTRATOR)
    signed_in.post("/people/alice", data={"csrf_token": token, **standing, "role": VIEWER, "version": "2"})
    assert signed_in.post("/roles/night-shift/remove", data={"csrf_token": token}).status_code == 303
    assert signed_in.get("/roles/night-shift").status_code == 404


def test_a_role_like_another_starts_with_its_rights(signed_in: FlaskClient) -> None:
    page = signed_in.get("/roles/new?like=viewer").text
    assert 'value="run:read" id="right-run:read" checked' in page
    assert 'value="run:cancel" id="right-run:cancel">' in page


def test_a_role_that_cannot_be_made_says_why_and_keeps_what_was_typed(signed_in: FlaskClient, csrf_of: CsrfOf) -> None:
    form = _form(signed_in, csrf_of, name="Night shift!", permissions=["run:read"])
    answer = signed_in.post("/roles/new", data=form)
    assert answer.status_code == 422
    assert "small letters" in answer.text
    assert 'id="right-run:read" checked' in answer.text
