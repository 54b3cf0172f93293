"""What one version of a request asks for that another one did not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from selfservice.approvals.models import Revision
from selfservice.runs.run import RunRequest

_ABSENT = object()


@dataclass(frozen=True)
class Difference:
    """One value that differs; None where it was or is not given."""

    name: str
    old: str | None
    new: str | None


def differences(old: Revision, new: Revision) -> list[Difference]:
    """Every value of `new` that is another than in `old`, hosts first; secret ones without their values."""
    before, after = old.run_request, new.run_request
    found = _of_command(before, after)
    if before.hosts != after.hosts:
        found.append(Difference("Hosts", before.hosts, after.hosts))
    if set(before.host_names) != set(after.host_names):
        found.append(Difference("These hosts", ", ".join(before.host_names), ", ".join(after.host_names)))
    for name in dict.fromkeys([*before.variables, *after.variables]):
        values = before.variables.get(name, _ABSENT), after.variables.get(name, _ABSENT)
        if values[0] != values[1]:
            found.append(Difference(name, shown(values[0]), shown(values[1])))
    for name in dict.fromkeys([*before.secret_names, *after.secret_names]):
        there = [name in each.secret_names for each in (before, after)]
        if there[0] != there[1] or name in new.new_secrets:
            words = [
                f"a secret{which}" if is_there else None
                for is_there, which in zip(there, ("", ", another one"), strict=True)
            ]
            found.append(Difference(name, *words))
    if before.content != after.content:
        found.append(Difference("Files of the playbook", before.content[:12], after.content[:12]))
    if old.inventory != new.inventory:
        found.append(Difference("Variables of the inventory", old.inventory[:12], new.inventory[:12]))
    if old.approvals_needed != new.approvals_needed:
        sides = [" → ".join(step.words for step in each.approvals_needed) or "none" for each in (old, new)]
        found.append(Difference("Approvals", *sides))
    return found


def _of_command(before: RunRequest, after: RunRequest) -> list[Difference]:
    pairs = ((name, getattr(before, name), getattr(after, name)) for name in ("command", "shell", "become"))
    return [Difference(name.capitalize(), _words(old), _words(new)) for name, old, new in pairs if old != new]


def _words(value: str | bool) -> str:
    return value if isinstance(value, str) else "yes" if value else "no"


def shown(value: Any) -> str | None:
    """A value as people read it."""
    if value is _ABSENT:
        return None
    if isinstance(value, (dict, list)):
        return str(yaml.safe_dump(value, sort_keys=False, allow_unicode=True)).rstrip("\n")
    return str(value).lower() if isinstance(value, bool) else str(value)
