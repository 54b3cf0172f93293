"""What may be given to an operation: what Ansible accepts, and the form's further rules."""

from __future__ import annotations

from typing import Any

import pytest

from selfservice.nodes.inventory import Inventory
from selfservice.operations.catalogue import Catalogue
from selfservice.operations.choices import Choices
from selfservice.operations.values import Checked, ValueErrors, check
from selfservice.settings import Settings
from tests.operations.playbooks import Playbooks


@pytest.fixture
def checked(settings: Settings, playbooks: Playbooks) -> Any:
    catalogue = Catalogue(settings.playbooks)
    choices = Choices(settings.playbooks, Inventory(settings.inventory))

    def of(name: str = "every_kind", **given: object) -> Checked:
        return check(catalogue.get(name), given, choices)

    return of


def refused(checked: Any, name: str = "every_kind", **given: object) -> dict[str, str]:
    with pytest.raises(ValueErrors) as caught:
        checked(name, **given)
    return caught.value.errors


def test_defaults_are_filled_in_so_that_the_run_says_all_it_ran_with(checked: Any) -> None:
    variables = checked(sure=True).variables
    assert variables == {"region": "eu", "source": "text", "count": 3, "careful": True, "sure": True}


def test_values_have_the_type_of_the_spec(checked: Any) -> None:
    variables = checked(sure="yes", count="7", ratio="0.5", names=["a", 1]).variables
    assert (variables["sure"], variables["count"], variables["ratio"]) == (True, 7, 0.5)
    assert variables["names"] == ["a", "1"]


def test_a_path_is_left_to_the_host(checked: Any) -> None:
    assert checked(sure=True, source="path", path="~/$USER").variables["path"] == "~/$USER"


def test_secret_values_are_kept_apart(checked: Any) -> None:
    found = checked(sure=True, password="hunter2")
    assert found.secrets == {"password": "hunter2"}
    assert "password" not in found.variables


@pytest.mark.parametrize(
    ("given", "field", "sentence"),
    [
        ({"colour": "red"}, "colour", "no such variable"),
        ({"count": "many"}, "count", "whole number"),
        ({"ratio": "half"}, "ratio", "must be a number"),
        ({"sure": "perhaps"}, "sure", "yes or no"),
        ({"region": "mars"}, "region", "Choose one of eu, us"),
        ({"days": ["mon", "someday"]}, "days", "Choose one of mon, tue, wed"),
        ({"city": "Boston"}, "city", "choose one of Bern, Wien"),
        ({"path": "/etc/motd"}, "path", "only where “source” is path"),
        ({"limits": "much"}, "limits", "mapping"),
        ({"limits": {"disk": "x"}}, "limits", "whole number"),
        ({"rules": [{"protocol": "tcp"}]}, "rules", "needed in each of “rules”: port"),
    ],
)
def test_what_cannot_be_used_is_told_beside_its_field(
    checked: Any, given: dict[str, object], field: str, sentence: str
) -> None:
    errors = refused(checked, **{"sure": True, **given})
    assert list(errors) == [field]
    assert sentence in errors[field]


def test_everything_wrong_is_told_at_once(checked: Any) -> None:
    assert sorted(refused(checked, count="x", colour=1)) == ["colour", "count", "sure"]


def test_choices_follow_the_other_field(checked: Any) -> None:
    assert checked(sure=True, region="us", city="Boston").variables["city"] == "Boston"


def test_a_refused_secret_is_not_repeated(playbooks: Playbooks, checked: Any) -> None:
    playbooks.operation("pin", "pin: {type: int, no_log: true}")
    assert refused(checked, "pin", pin="hunter2") == {"pin": "This must be a whole number."}
    playbooks.operation("pin", "pin: {type: str, no_log: true, choices: [a, b]}")
    assert "hunter2" not in str(refused(checked, "pin", pin="hunter2"))


def test_a_playbook_without_a_spec_takes_any_variables_but_ansibles_own(checked: Any) -> None:
    assert checked("no_spec", anything=[1]).variables == {"anything": [1]}
    assert "how Ansible works" in refused(checked, "no_spec", ansible_host="192.0.2.1")["ansible_host"]
    assert "letters, digits" in refused(checked, "no_spec", **{"no good": 1})["no good"]


@pytest.mark.parametrize(
    ("source", "right", "wrong"),
    [
        ("{inventory: hosts}", "master", "web-9"),
        ("{inventory: groups}", "workers", "master"),
        ("{command: [printf, 'one\\ntwo\\n']}", "two", "three"),
        ("{file: names.txt}", "alice", "bob"),
    ],
)
def test_choices_come_from_the_inventory_a_command_or_a_file(
    playbooks: Playbooks, checked: Any, source: str, right: str, wrong: str
) -> None:
    playbooks.write("names.txt", "alice\n\ncarol\n")
    playbooks.operation("pick", "it: {type: str}", f"fields:\n  it: {{choices_from: {source}}}\n")
    assert checked("pick", it=right).variables == {"it": right}
    assert "not offered" in refused(checked, "pick", it=wrong)["it"]


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("{command: [sh, -c, 'echo sorry >&2; exit 3']}", "ended with code 3: sorry"),
        ("{command: [no-such-program]}", "cannot be used"),
        ("{file: ../../etc/passwd}", "not below playbooks/"),
        ("{file: gone.txt}", "cannot be read"),
    ],
)
def test_choices_that_cannot_be_read_are_told(playbooks: Playbooks, checked: Any, source: str, sentence: str) -> None:
    playbooks.operation("pick", "it: {type: str}", f"fields:\n  it: {{choices_from: {source}}}\n")
    assert sentence in refused(checked, "pick", it="x")["it"]
