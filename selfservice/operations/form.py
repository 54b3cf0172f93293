"""The form of an operation: fields made from its spec and sidecar, filled with values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import yaml

from selfservice.operations.catalogue import Operation
from selfservice.operations.choices import Choice, Choices, ChoicesUnavailable
from selfservice.operations.sidecar import FieldExtra
from selfservice.operations.spec import Option

PREFIX = "v"
#: The editor of an operation that has no spec.
FREE_NAME = "variables"


class Widget(StrEnum):
    """What a field looks like."""

    TEXT = "text"
    TEXTAREA = "textarea"
    NUMBER = "number"
    PASSWORD = "password"  # noqa: S105
    SWITCH = "switch"
    YES_NO = "yes_no"
    SELECT = "select"
    CHECKS = "checks"
    LINES = "lines"
    YAML = "yaml"
    GROUP = "group"
    ITEMS = "items"


@dataclass(frozen=True)
class Field:
    """One field as the template draws it."""

    name: str
    widget: Widget
    label: str
    help: str = ""
    placeholder: str = ""
    required: bool = False
    #: Text, or the chosen texts of CHECKS; "true" or "false" of a switch.
    value: Any = ""
    choices: tuple[Choice, ...] = ()
    error: str = ""
    #: The input whose value decides over the choices, and the one that decides whether this counts.
    choices_by: str = ""
    shown_by: str = ""
    shown_for: tuple[str, ...] = ()
    #: The fields of a group; of ITEMS, those of one more item.
    fields: tuple[Field, ...] = ()
    items: tuple[tuple[Field, ...], ...] = ()

    @property
    def id(self) -> str:
        """For labels: dots would need escaping in selectors."""
        return self.name.replace(".", "-")

    @property
    def parents(self) -> tuple[str, ...]:
        """The values of the other field under which there are choices, in order."""
        return tuple(dict.fromkeys(choice.only_for for choice in self.choices if choice.only_for is not None))


def fields(
    operation: Operation, values: Mapping[str, Any], errors: Mapping[str, str], choices: Choices
) -> tuple[Field, ...]:
    """The fields of the form, filled with `values` or else their defaults."""
    found = []
    for option in operation.options:
        extra, error = operation.field(option.name), errors.get(option.name, "")
        offered: tuple[Choice, ...] | None = None
        try:
            offered = choices.of(operation, option.name)
        except ChoicesUnavailable as trouble:
            error = error or trouble.sentence
        drawn = _field(option, f"{PREFIX}.{option.name}", values.get(option.name), extra, offered)
        found.append(replace(drawn, error=error))
    return tuple(found)


def free_text(values: Mapping[str, Any]) -> str:
    """Variables as the plain editor shows them."""
    return _as_yaml(dict(values)) if values else ""


def widget_of(option: Option, extra: FieldExtra, *, with_choices: bool) -> Widget:
    """What the field of `option` looks like."""
    if option.no_log:
        return Widget.PASSWORD if option.type not in ("list", "dict", "raw") else Widget.YAML
    if option.options:
        return Widget.ITEMS if option.type == "list" else Widget.GROUP
    if with_choices:
        return Widget.CHECKS if option.type == "list" else Widget.SELECT
    if option.type == "bool":
        return Widget.YES_NO if option.usable_default is None else Widget.SWITCH
    if option.type in ("int", "float"):
        return Widget.NUMBER
    if option.type == "list" and option.elements not in ("dict", "list", "raw"):
        return Widget.LINES
    if option.type in ("list", "dict", "raw"):
        return Widget.YAML
    return Widget.TEXTAREA if extra.multiline else Widget.TEXT


def _field(option: Option, name: str, value: Any, extra: FieldExtra, offered: tuple[Choice, ...] | None) -> Field:
    widget = widget_of(option, extra, with_choices=offered is not None)
    shown = option.usable_default if value is None else value
    inner: tuple[Field, ...] = ()
    items: tuple[tuple[Field, ...], ...] = ()
    if widget is Widget.GROUP:
        inner = _inner(option, name, shown)
    elif widget is Widget.ITEMS:
        filled = shown if isinstance(shown, list) else []
        items = tuple(_inner(option, f"{name}.{number}", each) for number, each in enumerate(filled))
        inner = _inner(option, f"{name}.{len(filled)}", None)
    source, condition = extra.choices_from, extra.shown_when
    return Field(
        name=name,
        widget=widget,
        label=extra.label or option.name.replace("_", " ").capitalize(),
        help=extra.help or option.description,
        placeholder=extra.placeholder or _placeholder(option),
        required=option.required,
        value=_shown_value(widget, shown, secret=option.secret),
        choices=offered or (),
        choices_by=f"{PREFIX}.{source.other_field}" if source and source.other_field else "",
        shown_by=f"{PREFIX}.{condition.field}" if condition else "",
        shown_for=tuple(as_text(each) for each in condition.values) if condition else (),
        fields=inner,
        items=items,
    )


def _inner(option: Option, name: str, value: Any) -> tuple[Field, ...]:
    values = value if isinstance(value, dict) else {}
    return tuple(
        _field(each, f"{name}.{each.name}", values.get(each.name), FieldExtra(), _own_choices(each))
        for each in option.options
    )


def _own_choices(option: Option) -> tuple[Choice, ...] | None:
    return tuple(Choice(str(each)) for each in option.choices) or None


def _placeholder(option: Option) -> str:
    return str(option.default) if option.usable_default is None and option.default is not None else ""


def _shown_value(widget: Widget, value: Any, *, secret: bool) -> Any:
    if value is None or secret or widget in (Widget.GROUP, Widget.ITEMS):
        return [] if widget is Widget.CHECKS else ""
    if widget is Widget.CHECKS:
        return [str(each) for each in value] if isinstance(value, list) else [str(value)]
    if widget is Widget.LINES:
        return "\n".join(str(each) for each in value) if isinstance(value, list) else str(value)
    if widget is Widget.YAML:
        return value if isinstance(value, str) else _as_yaml(value)
    return as_text(value)


def _as_yaml(value: Any) -> str:
    text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, default_flow_style=False)
    return text.removesuffix("...\n").rstrip("\n")


def as_text(value: Any) -> str:
    """A value as fields hold it: true and false in small letters."""
    return str(value).lower() if isinstance(value, bool) else str(value)
