"""What a browser or a program sent for a schedule, turned into a plan."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeVar

import yaml
from werkzeug.datastructures import MultiDict

from selfservice.errors import BadInput
from selfservice.schedules.schedules import Missed, Plan
from selfservice.schedules.times import Every, Timing

_Word = TypeVar("_Word", bound=StrEnum)


def plan_of_form(form: MultiDict[str, str]) -> Plan:
    """The plan in a sent form. Raises BadInput naming the field."""
    is_command = form.get("what") == "command"
    return Plan(
        title=form.get("title", "").strip(),
        hosts=form.get("hosts", "").strip(),
        timing=timing_of_form(form),
        operation="" if is_command else form.get("operation", ""),
        variables={} if is_command else _variables(form.get("variables", "")),
        command=form.get("command", "").strip() if is_command else "",
        shell=is_command and "shell" in form,
        become=is_command and "become" in form,
        enabled="enabled" in form,
        missed=_one_of(Missed, form.get("missed", Missed.ONCE), "missed"),
        overlap="overlap" in form,
        project=form.get("project", "").strip(),
        jitter_seconds=_whole(form.get("jitter_seconds") or "0", "jitter_seconds"),
    )


def timing_of_form(form: MultiDict[str, str]) -> Timing:
    """When, as the form says it. Raises BadInput naming the field."""
    return Timing(
        every=_one_of(Every, form.get("every", ""), "every"),
        zone=form.get("zone", "").strip(),
        at=form.get("at", "").strip(),
        days=tuple(_whole(day, "days") for day in form.getlist("days")),
        day=form.get("day", "").strip().lower() or "1",
        cron=form.get("cron", "").strip(),
    )


def timing_of_json(value: Mapping[str, Any]) -> Timing:
    """When, as a program says it."""
    return Timing(**{**value, "every": Every(value["every"]), "days": tuple(value.get("days", ()))})


def plan_of_json(value: Mapping[str, Any]) -> Plan:
    """The plan in a request that its schema has let through."""
    plain = {name: each for name, each in value.items() if name not in ("timing", "missed", "version")}
    return Plan(**plain, timing=timing_of_json(value["timing"]), missed=Missed(value["missed"]))


def _variables(text: str) -> dict[str, Any]:
    try:
        found = yaml.safe_load(text) if text.strip() else {}
    except yaml.YAMLError as error:
        raise BadInput("This is no YAML: write one “name: value” a line.", "variables") from error
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        raise BadInput("Variables are a mapping: one “name: value” a line.", "variables")
    return found


def _one_of(kind: type[_Word], text: str, field: str) -> _Word:
    try:
        return kind(text)
    except ValueError:
        raise BadInput(f"Choose one of {', '.join(kind)}.", field) from None


def _whole(text: str, field: str) -> int:
    if not text.strip().isascii() or not text.strip().isdigit():
        raise BadInput("This must be a whole number.", field)
    return int(text)
