"""For random specs and random input: what the form accepts is what Ansible's own validator accepts."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from selfservice.operations import form, sent
from selfservice.operations.catalogue import Operation
from selfservice.operations.choices import Choices
from selfservice.operations.form import Field, Widget
from selfservice.operations.spec import options_of
from selfservice.operations.values import ValueErrors, check
from selfservice.operations.yaml_file import YamlFile

TEXTS = st.one_of(
    st.sampled_from(
        ["", "0", "7", "-3", "1.5", "1e3", "yes", "no", "True", "off", "a", "[1, 2]", "{a: 1}", "a,b", "~"]
    ),
    st.text(max_size=8),
)
SCALARS = st.sampled_from(["str", "int", "float", "bool", "path", "raw"])
_DEFAULTS: dict[str, Any] = {"str": "x", "int": 4, "float": 0.5, "bool": True, "path": "/srv", "raw": "r"}


@st.composite
def option(draw: st.DrawFn, depth: int = 1) -> dict[str, Any]:
    kind = draw(st.sampled_from(["str", "int", "float", "bool", "path", "raw", "list", "dict"]))
    spec: dict[str, Any] = {"type": kind}
    if draw(st.booleans()):
        spec["required"] = True
    elif kind in _DEFAULTS and draw(st.booleans()):
        spec["default"] = _DEFAULTS[kind]
    if kind == "str" and "default" not in spec and draw(st.booleans()):
        spec["choices"] = ["a", "b"]
    if kind == "list":
        spec["elements"] = draw(st.one_of(SCALARS, st.just("dict")))
    if (kind == "dict" or spec.get("elements") == "dict") and depth and draw(st.booleans()):
        names = st.sampled_from(["p", "q"])
        spec["options"] = draw(st.dictionaries(names, option(depth=0), min_size=1, max_size=2))
    return spec


SPECS = st.dictionaries(st.sampled_from(["alpha", "beta", "gamma"]), option(), min_size=1, max_size=3)


def operation_of(spec: dict[str, Any]) -> Operation:
    options, problems = options_of(YamlFile("spec.yml", {"main": {"options": spec}}), "main", ())
    assert not problems
    return Operation("a", "a.yml", "A", options=options, has_spec=True)


def inputs(fields: tuple[Field, ...]) -> list[Field]:
    """Every field a person can type into."""
    found: list[Field] = []
    for each in fields:
        found += inputs(each.fields) if each.widget in (Widget.GROUP, Widget.ITEMS) else [each]
    return found


def typed(draw: Any, field: Field) -> list[str]:
    """What a browser sends for one field."""
    if field.widget is Widget.SELECT:
        return [draw(st.sampled_from(["", *[choice.value for choice in field.choices], "forged"]))]
    if field.widget is Widget.YES_NO:
        return [draw(st.sampled_from(["", "true", "false"]))]
    if field.widget is Widget.SWITCH:
        return ["false", "true"] if draw(st.booleans()) else ["false"]
    return [draw(TEXTS)]


@settings(max_examples=150, deadline=None)
@given(spec=SPECS, data=st.data())
def test_the_form_accepts_what_ansible_accepts(spec: dict[str, Any], data: st.DataObject) -> None:
    operation = operation_of(spec)
    fields = form.fields(operation, {}, {}, NO_CHOICES)
    sending = MultiDict([(each.name, text) for each in inputs(fields) for text in typed(data.draw, each)])
    read = sent.read(operation, sending)
    if read.errors:  # no YAML: there is no value that Ansible could be asked about
        return
    whole = ArgumentSpecValidator({name: _raw(operation, name) for name in spec}).validate(read.values)
    try:
        checked = check(operation, read.values, NO_CHOICES)
    except ValueErrors as error:
        assert whole.error_messages, (read.values, error.errors)
        return
    assert not whole.error_messages, (read.values, whole.error_messages)
    again = ArgumentSpecValidator({name: _raw(operation, name) for name in spec}).validate(checked.variables)
    assert not again.error_messages, "what the run gets must pass when Ansible validates it once more"


def _raw(operation: Operation, name: str) -> dict[str, Any]:
    found = operation.option(name)
    assert found is not None
    return found.raw


class _NoChoices(Choices):
    def __init__(self) -> None:
        """Nothing to look anything up in."""


NO_CHOICES = _NoChoices()
