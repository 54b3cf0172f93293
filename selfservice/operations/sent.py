"""What a browser sent for the form of an operation, turned into values."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml
from werkzeug.datastructures import MultiDict

from selfservice.operations.catalogue import Operation
from selfservice.operations.form import FREE_NAME, PREFIX, Widget, as_text, widget_of
from selfservice.operations.sidecar import FieldExtra
from selfservice.operations.spec import Option
from selfservice.operations.values import is_shown

#: In a list of mappings, so many may be sent.
_MOST_ITEMS = 200
Sent = MultiDict[str, str]


@dataclass
class Given:
    """Values as a browser sent them, and what cannot even be read."""

    values: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


def read(operation: Operation, sent: Sent) -> Given:
    """The values in `sent`: what was left empty, or is hidden and as it was, counts as not given."""
    given = Given()
    if not operation.has_spec:
        _read_free(sent, given)
        return given
    for option in operation.options:
        found = _value(option, f"{PREFIX}.{option.name}", sent, given.errors, operation.field(option.name))
        if found is not None:
            given.values[option.name] = found
    effective = {each.name: given.values.get(each.name, each.usable_default) for each in operation.options}
    for option in operation.options:
        hidden = option.name in given.values and not is_shown(operation, option.name, effective)
        if hidden and _same(given.values[option.name], option.usable_default):
            del given.values[option.name]
    return given


def _value(option: Option, name: str, sent: Sent, errors: dict[str, str], extra: FieldExtra) -> Any:
    """What was sent for `option` under `name`; None where nothing was, or nothing that counts."""
    with_choices = bool(option.choices or extra.choices_from)
    widget = widget_of(option, extra, with_choices=with_choices)
    if widget is Widget.GROUP:
        return _mapping(option, name, sent, errors)
    if widget is Widget.ITEMS:
        return _items(option, name, sent, errors)
    if name not in sent:
        return None
    if widget in (Widget.CHECKS, Widget.SWITCH):
        texts = [text for text in sent.getlist(name) if text]
        if widget is Widget.SWITCH:
            return texts[-1] == "true" if texts else None
        return texts or ([] if option.usable_default else None)
    # Browsers send line ends as CRLF (HTML standard, 4.10.21.3); hosts expect LF.
    text = (sent.get(name) or "").replace("\r\n", "\n")
    return _from_text(option, widget, text, name, errors)


def _from_text(option: Option, widget: Widget, text: str, name: str, errors: dict[str, str]) -> Any:
    if widget is Widget.LINES:
        lines = [line.strip() for line in text.split("\n") if line.strip()]
        return lines or ([] if option.usable_default else None)
    if widget is Widget.YAML:
        return _from_yaml(text, name, errors)
    if widget in (Widget.TEXT, Widget.TEXTAREA) and option.type == "str":
        return text if text or option.usable_default else None
    return (text if option.no_log else text.strip()) or None


def _from_yaml(text: str, name: str, errors: dict[str, str]) -> Any:
    if not text.strip():
        return None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        errors[_top(name)] = f"This is no YAML{where}: {getattr(error, 'problem', None) or error}."
        return text


def _mapping(option: Option, name: str, sent: Sent, errors: dict[str, str]) -> dict[str, Any] | None:
    found = {}
    for each in option.options:
        value = _value(each, f"{name}.{each.name}", sent, errors, FieldExtra())
        if value is not None:
            found[each.name] = value
    untouched = all(_same(found.get(each.name), each.usable_default) for each in option.options)
    return None if untouched and not option.required else found


def _items(option: Option, name: str, sent: Sent, errors: dict[str, str]) -> list[Any] | None:
    pattern = re.compile(re.escape(name) + r"\.(\d{1,6})\.")
    numbers = sorted({int(match[1]) for key in sent if (match := pattern.match(key))})
    if not numbers:
        return None
    found = [_mapping(option, f"{name}.{number}", sent, errors) for number in numbers[:_MOST_ITEMS]]
    items = [each for each in found if each]
    return items or ([] if option.usable_default else None)


def _read_free(sent: Sent, given: Given) -> None:
    found = _from_yaml(sent.get(FREE_NAME) or "", FREE_NAME, given.errors)
    if found is None or given.errors:
        return
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        given.errors[FREE_NAME] = "Variables are a mapping: one “name: value” a line."
        return
    given.values = found


def _same(value: Any, other: Any) -> bool:
    return value == other or (value is not None and other is not None and as_text(value) == as_text(other))


def _top(name: str) -> str:
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else name
