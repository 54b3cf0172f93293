"""The values of an operation: checked by Ansible's own validator and by the form's further rules."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from selfservice.errors import BadInput
from selfservice.operations.catalogue import Operation
from selfservice.operations.choices import Choices, ChoicesUnavailable
from selfservice.operations.spec import Option

#: Types whose converted value Ansible's validator gives without changing its meaning. It would also
#: expand `~` and variables in a path, which is the host's business and not this node's.
_CONVERTED = frozenset({"str", "int", "float", "bool"})
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
#: Names that say how and as whom Ansible works, and on what: not for whoever fills in a form.
_RESERVED = ("ansible_",)

#: What Ansible's validator says, and what that means beside a field: the first that fits counts.
_SENTENCES = (
    (re.compile(r"missing required arguments: (?P<what>[^.]+?)(?: found in (?P<where>.+))?$"), "This is needed{in}."),
    (re.compile(r"must be one(?: or more)? of: (?P<all>.*?)[.,]? [Gg]ot\b.*"), "Choose one of {all}."),
    (re.compile(r"unable to convert to int\b"), "This must be a whole number."),
    (re.compile(r"unable to convert to float\b"), "This must be a number."),
    (re.compile(r"unable to convert to bool\b"), "This must be yes or no."),
    (re.compile(r"unable to convert to list\b"), "This must be a list."),
    (re.compile(r"unable to convert to dict\b|dictionary requested"), "This must be a mapping of names to values."),
)  # fmt: skip


class ValueErrors(BadInput):
    """One or more values cannot be used; `errors` has a sentence for each field."""

    def __init__(self, errors: dict[str, str]) -> None:
        """Tell of the first one, and keep all."""
        name, sentence = next(iter(errors.items()))
        super().__init__(f"“{name}” cannot be used: {sentence}", name)
        self.errors = errors
        self.extra["errors"] = [{"field": each, "detail": sentence} for each, sentence in errors.items()]


@dataclass(frozen=True)
class Checked:
    """Values ready for a run; the secret ones apart, because no file may hold them."""

    variables: dict[str, Any]
    secrets: dict[str, Any]


def check(operation: Operation, given: dict[str, Any], choices: Choices) -> Checked:
    """The values with which the operation runs: those given, converted, and the defaults of the others.

    Raises ValueErrors, which names every field that is wrong.
    """
    given = {name: value for name, value in given.items() if value is not None}
    if not operation.has_spec:
        return Checked(_free(given), {})
    errors = {name: _unknown(operation, name) for name in given if operation.option(name) is None}
    effective = {option.name: given.get(option.name, option.usable_default) for option in operation.options}
    variables: dict[str, Any] = {}
    secrets: dict[str, Any] = {}
    for option in operation.options:
        if not is_shown(operation, option.name, effective):
            if option.name in given:
                errors[option.name] = _hidden(operation, option.name)
            continue
        value = effective[option.name]
        if value is None and not option.required:
            continue
        sentence = _wrong(option, value) or _not_offered(operation, option, effective, choices)
        if sentence:
            errors[option.name] = sentence
        else:
            (secrets if option.secret else variables)[option.name] = _converted(option, value)
    if errors:
        raise ValueErrors(errors)
    return Checked(variables, secrets)


def is_shown(operation: Operation, name: str, values: dict[str, Any]) -> bool:
    """Whether the field counts beside these values: its condition holds, and so does that of the field it names."""
    condition = operation.field(name).shown_when
    if condition is None:
        return True
    if not is_shown(operation, condition.field, values):
        return False
    return _text(values.get(condition.field)) in {_text(value) for value in condition.values}


def _free(given: dict[str, Any]) -> dict[str, Any]:
    errors = {}
    for name in given:
        if not _VARIABLE.match(name):
            errors[name] = "A variable's name has letters, digits and underscores, and no digit first."
        elif name.startswith(_RESERVED):
            errors[name] = "Names that begin with ansible_ say how Ansible works; they cannot be given here."
    if errors:
        raise ValueErrors(errors)
    return given


def _unknown(operation: Operation, name: str) -> str:
    known = ", ".join(option.name for option in operation.options)
    return f"“{operation.title}” has no such variable; it has {known}."


def _hidden(operation: Operation, name: str) -> str:
    condition = operation.field(name).shown_when
    if condition is None:
        return "This does not count here; leave it out."
    values = " or ".join(_text(value) for value in condition.values)
    return f"This counts only where “{condition.field}” is {values}; leave it out."


def _wrong(option: Option, value: Any) -> str | None:
    """What Ansible has against this value, in words for the person."""
    given = {} if value is None else {option.name: value}
    messages = ArgumentSpecValidator({option.name: option.raw}).validate(given).error_messages
    if not messages:
        return None
    sentence = _sentence(str(messages[0]))
    return "This value cannot be used." if option.secret and _mentions(sentence, value) else sentence


def _sentence(message: str) -> str:
    for pattern, sentence in _SENTENCES:
        if found := pattern.search(message):
            parts = found.groupdict()
            if sentence.startswith("This is needed"):
                inner = f" in each of “{parts['where']}”: {parts['what']}" if parts.get("where") else ""
                return sentence.replace("{in}", inner)
            return sentence.format(**parts)
    return message if message.endswith(".") else f"{message}."


def _mentions(sentence: str, value: Any) -> bool:
    if isinstance(value, dict):
        return any(_mentions(sentence, each) for each in value.values())
    if isinstance(value, list):
        return any(_mentions(sentence, each) for each in value)
    return bool(str(value)) and str(value) in sentence


def _not_offered(operation: Operation, option: Option, values: dict[str, Any], choices: Choices) -> str | None:
    try:
        allowed = choices.allowed(operation, option.name, values)
    except ChoicesUnavailable as error:
        return error.sentence
    if allowed is None:
        return None
    value = values[option.name]
    chosen = value if isinstance(value, list) else [value]
    wrong = [str(each) for each in chosen if str(each) not in allowed]
    if not wrong:
        return None
    return f"{', '.join(wrong)} is not offered here; choose one of {', '.join(allowed[:20]) or 'nothing'}."


def _converted(option: Option, value: Any) -> Any:
    """The value as the role's tasks should find it: a number where the spec says int."""
    of_elements = option.type == "list" and option.elements in _CONVERTED
    if option.type not in _CONVERTED and not of_elements:
        return value
    return (
        ArgumentSpecValidator({option.name: option.raw})
        .validate({option.name: value})
        .validated_parameters[option.name]
    )


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
