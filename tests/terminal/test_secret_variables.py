"""Secrets among extra variables."""

from __future__ import annotations

import pytest

from selfservice.runs.redaction import Veil
from selfservice.settings import MASK
from selfservice.terminal.secret_variables import sort


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "DB_PASSWD",
        "api_key",
        "apikey",
        "ssh-keys",
        "auth_token",
        "client_secret",
        "ansible_become_pass",
        "db_pwd",
    ],
)
def test_a_name_that_looks_secret_is(name: str) -> None:
    assert sort({name: "value"}, frozenset()).secrets == {name: "value"}


@pytest.mark.parametrize("name", ["monkey", "keyboard", "colour", "turkeys", "name", "bypass_checks", "passenger"])
def test_other_names_are_not(name: str) -> None:
    assert sort({name: "value"}, frozenset()).variables == {name: "value"}


def test_a_secret_within_makes_the_whole_variable_secret() -> None:
    found = sort({"db": [{"user": "a", "password": "b"}], "x": {"y": 1}}, frozenset())
    assert (found.secrets, found.variables) == ({"db": [{"user": "a", "password": "b"}]}, {"x": {"y": 1}})


def test_what_a_role_says_not_to_log_is_secret() -> None:
    assert sort({"pin": 1234}, frozenset({"pin"})).secrets == {"pin": 1234}


def test_a_veil_hides_values_also_as_json_writes_them() -> None:
    veil = Veil({"a": 'quo"ted', "b": {"c": ["line one\nline two"]}, "pin": 123456, "short": "no"})
    assert veil.text('say quo"ted or quo\\"ted, no?') == f"say {MASK} or {MASK}, no?"
    assert veil.text("line two") == MASK
    assert veil.value({"x": [123456, True, "pin 123456"]}) == {"x": [MASK, True, f"pin {MASK}"]}
