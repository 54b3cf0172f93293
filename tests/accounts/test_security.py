"""What administrators decide about signing in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from selfservice.accounts.accounts import Accounts
from selfservice.accounts.permissions import Permission
from selfservice.accounts.roles import Author
from selfservice.audit.actions import Kind
from selfservice.errors import BadInput, ChangedMeanwhile, NotFound
from tests.accounts.conftest import ALICE_PASSWORD, TERMINAL, Remembered
from tests.records import database_url  # noqa: F401

ROOT = Author(TERMINAL, frozenset(Permission))
CsrfOf = Callable[..., str]


def test_everything_has_a_careful_default(accounts: Accounts) -> None:
    settings = accounts.security.current()
    assert (settings.sign_up, settings.private_addresses, settings.second_factor_roles) == (False, False, ())
    assert (settings.idle_hours, settings.session_days) == (12, 30)


def test_a_change_is_kept_and_recorded(accounts: Accounts, journal: Remembered) -> None:
    accounts.security.change({"idle_hours": 2, "second_factor_roles": ("administrator",)}, 0, ROOT)
    settings, version = accounts.security.current_with_version()
    assert (settings.idle_hours, settings.second_factor_roles, version) == (2, ("administrator",), 1)
    assert journal.actions[-1].kind is Kind.SECURITY_CHANGE
    assert journal.actions[-1].detail == {"idle_hours": "12 → 2", "second_factor_roles": "none → administrator"}


@pytest.mark.parametrize("version", [0, 1])
def test_the_second_of_two_is_told(accounts: Accounts, version: int) -> None:
    for before in range(version + 1):
        accounts.security.change({"idle_hours": 3}, before, ROOT)
    with pytest.raises(ChangedMeanwhile, match=r"changed the security settings .*, it is now: idle hours: 3\."):
        accounts.security.change({"idle_hours": 5}, version, ROOT)
    assert accounts.security.current().idle_hours == 3


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"idle_hours": 0}, "idle_hours"),
        ({"idle_hours": "x" * 100_000}, "idle_hours"),
        ({"session_days": 366}, "session_days"),
        ({"sign_up_domains": ("no domain",)}, "sign_up_domains"),
        ({"sign_up_domains": ("x" * 300 + ".org",)}, "sign_up_domains"),
    ],
)
def test_what_cannot_be_used_is_told_beside_its_field(accounts: Accounts, values: dict[str, Any], field: str) -> None:
    with pytest.raises(BadInput) as told:
        accounts.security.change(values, 0, ROOT)
    assert told.value.field == field


@pytest.mark.parametrize("values", [{"sign_up_role": "emperor"}, {"second_factor_roles": ("emperor",)}])
def test_roles_have_to_be_there(accounts: Accounts, values: dict[str, Any]) -> None:
    with pytest.raises(NotFound):
        accounts.security.change(values, 0, ROOT)


def _form(client: FlaskClient, csrf_of: CsrfOf, **fields: object) -> dict[str, object]:
    base = {"idle_hours": "12", "session_days": "30", "sign_up_role": "viewer", "version": "0"}
    return {"csrf_token": csrf_of(client), **base, **fields}


def test_they_are_changed_on_a_page(app: APIFlask, signed_in: FlaskClient, csrf_of: CsrfOf) -> None:
    fields = {"idle_hours": "8", "sign_up": "yes", "sign_up_domains": "Example.org\n@example.com\n"}
    answer = signed_in.post("/security", data=_form(signed_in, csrf_of, **fields))
    assert answer.status_code == 303
    settings = app.extensions["selfservice"].accounts.security.current()
    assert (settings.idle_hours, settings.sign_up_domains) == (8, ("example.com", "example.org"))
    second = signed_in.post("/security", data=_form(signed_in, csrf_of, idle_hours="9"))
    assert second.status_code == 409
    assert 'value="9"' in second.text, "what was wanted is kept"


def test_what_was_wrong_stands_beside_its_field(signed_in: FlaskClient, csrf_of: CsrfOf) -> None:
    answer = signed_in.post("/security", data=_form(signed_in, csrf_of, idle_hours="0"))
    assert answer.status_code == 422
    assert 'id="idle_hours-error"' in answer.text


def test_they_are_for_those_who_may_alone(app: APIFlask, csrf_of: CsrfOf, sign_in: Callable[..., FlaskClient]) -> None:
    app.extensions["selfservice"].accounts.create_person("charlie", ALICE_PASSWORD, TERMINAL)
    charlie = sign_in(app.test_client(), "charlie", ALICE_PASSWORD)
    for path in ("/security", "/security/providers/new", "/security/providers/office"):
        assert charlie.get(path).status_code == 403
    assert charlie.post("/security", data=_form(charlie, csrf_of)).status_code == 403
