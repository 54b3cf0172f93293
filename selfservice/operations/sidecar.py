"""The sidecar of a playbook, `playbooks/operations/<name>.yml`: texts, policy and what its form needs."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from selfservice.operations.approval_policy import Approval, approval_of
from selfservice.operations.spec import Option
from selfservice.operations.yaml_file import Problem, Unreadable, YamlFile, read
from selfservice.runs.launching import WhenSameRuns

SCHEMA_FILE = Path(__file__).with_name("sidecar.schema.json")


class Danger(StrEnum):
    """How much harm an operation can do."""

    NONE = "none"
    CAUTION = "caution"
    DANGEROUS = "dangerous"


@dataclass(frozen=True)
class Condition:
    """A field is shown only when another one has one of these values."""

    field: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class ChoicesFrom:
    """Where the choices of a field come from: exactly one of these is set."""

    inventory: str = ""
    command: tuple[str, ...] = ()
    file: str = ""
    other_field: str = ""
    #: For each value of `other_field`, what may be chosen.
    map: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class FieldExtra:
    """What the form needs to know of a variable beyond its spec."""

    label: str = ""
    help: str = ""
    placeholder: str = ""
    multiline: bool = False
    choices_from: ChoicesFrom | None = None
    shown_when: Condition | None = None


@dataclass(frozen=True)
class Sidecar:
    """Everything a sidecar can say; what it leaves out has a harmless default."""

    title: str = ""
    category: str = "Other"
    icon: str = "gear"
    description: str = ""
    help: str = ""
    people: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    danger: Danger = Danger.NONE
    confirmation: str = ""
    hosts_default: str = ""
    hosts_allowed: str = ""
    timeout: int | None = None
    same_running: WhenSameRuns = WhenSameRuns.WARN
    approval: Approval | None = None
    preview: bool = True
    keep_days: int | None = None
    keep_megabytes: int | None = None
    fields: dict[str, FieldExtra] = field(default_factory=dict)


def read_sidecar(path: Path, options: tuple[Option, ...]) -> tuple[Sidecar, list[Problem]]:
    """The sidecar at `path` (all defaults where there is none), and what is wrong with it."""
    if not path.exists():
        return Sidecar(), []
    try:
        file = read(path, f"operations/{path.name}")
    except Unreadable as error:
        return Sidecar(), [error.problem]
    value = {} if file.value is None else file.value
    problems = [_problem(file, error) for error in _validator().iter_errors(value)]
    if problems:
        return Sidecar(title=_title_of(value)), problems
    sidecar = _sidecar(value)
    return sidecar, _misfits(file, sidecar, options)


def schema() -> dict[str, Any]:
    """The JSON Schema of sidecars, as it is published."""
    found: dict[str, Any] = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    return found


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(schema())


def _problem(file: YamlFile, error: ValidationError) -> Problem:
    deepest = best_match(error.context) if error.context else None
    shown = deepest or error
    place = tuple(shown.absolute_path)
    message = shown.message
    if shown.validator == "additionalProperties":
        known = list(cast("dict[str, Any]", shown.schema)["properties"])
        unknown = sorted(str(key) for key in cast("dict[str, Any]", shown.instance) if key not in known)
        place = (*place, unknown[0])
        message = f"Unknown key{'s' if len(unknown) > 1 else ''} {', '.join(unknown)}; known are {', '.join(known)}."
    return file.problem(message if message.endswith(".") else f"{message}.", place)


def _title_of(value: Any) -> str:
    title = value.get("title") if isinstance(value, dict) else None
    return title if isinstance(title, str) else ""


def _sidecar(value: dict[str, Any]) -> Sidecar:
    plain = ("title", "category", "icon", "description", "help", "confirmation", "timeout", "preview")
    who, hosts, keep = value.get("who", {}), value.get("hosts", {}), value.get("keep", {})
    return Sidecar(
        **{key: value[key] for key in plain if key in value},
        people=tuple(who.get("people", ())),
        roles=tuple(who.get("roles", ())),
        danger=Danger(value.get("danger", Danger.NONE)),
        hosts_default=hosts.get("default", ""),
        hosts_allowed=hosts.get("allowed", ""),
        same_running=WhenSameRuns(value.get("same_running", WhenSameRuns.WARN)),
        approval=approval_of(value.get("approval", False)),
        keep_days=keep.get("days"),
        keep_megabytes=keep.get("megabytes"),
        fields={str(name): _field(each or {}) for name, each in value.get("fields", {}).items()},
    )


def _field(value: dict[str, Any]) -> FieldExtra:
    plain = {key: value[key] for key in ("label", "help", "placeholder", "multiline") if key in value}
    condition = value.get("shown_when")
    source = value.get("choices_from")
    return FieldExtra(
        **plain,
        shown_when=condition and Condition(condition["field"], tuple(condition.get("in", [condition.get("equals")]))),
        choices_from=source and _choices_from(source),
    )


def _choices_from(value: dict[str, Any]) -> ChoicesFrom:
    return ChoicesFrom(
        inventory=value.get("inventory", ""),
        command=tuple(value.get("command", ())),
        file=value.get("file", ""),
        other_field=value.get("field", ""),
        map={str(key): tuple(map(str, choices)) for key, choices in value.get("map", {}).items()},
    )


def _misfits(file: YamlFile, sidecar: Sidecar, options: tuple[Option, ...]) -> list[Problem]:
    """What a schema cannot know: names that the spec does not have, and fields that wait for each other."""
    known = {option.name: option for option in options}
    problems = []
    for name, extra in sidecar.fields.items():
        place = ("fields", name)
        if name not in known:
            problems.append(file.problem(f"The playbook has no variable “{name}”.", place))
            continue
        for key, other in _other_fields(extra):
            if other not in known:
                problems.append(file.problem(f"The playbook has no variable “{other}”.", (*place, key)))
        if extra.shown_when and known[name].required:
            sentence = f"“{name}” is required by its spec, so it cannot be hidden: Ansible would refuse to run."
            problems.append(file.problem(sentence, (*place, "shown_when")))
    if circle := _circle(sidecar.fields):
        sentence = f"These fields wait for each other: {' → '.join(circle)}."
        problems.append(file.problem(sentence, ("fields", circle[0])))
    return problems


def _other_fields(extra: FieldExtra) -> list[tuple[str, str]]:
    found = []
    if extra.shown_when:
        found.append(("shown_when", extra.shown_when.field))
    if extra.choices_from and extra.choices_from.other_field:
        found.append(("choices_from", extra.choices_from.other_field))
    return found


def _circle(fields: dict[str, FieldExtra]) -> list[str]:
    """A circle of fields that depend on each other, its first name again at the end; empty where there is none."""
    for start in fields:
        trail: list[str] = []
        waiting = [(start, [start])]
        while waiting:
            name, trail = waiting.pop()
            for _, other in _other_fields(fields.get(name, FieldExtra())):
                if other == start:
                    return [*trail, start]
                if other not in trail:
                    waiting.append((other, [*trail, other]))
    return []
