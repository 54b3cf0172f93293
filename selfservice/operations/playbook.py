"""What a playbook says of itself: its plays, and the roles whose specs describe its variables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selfservice.operations.spec import Option, has_entry, options_of
from selfservice.operations.yaml_file import Place, Problem, Unreadable, YamlFile, read

_ROLE_ACTIONS = frozenset(
    {"import_role", "include_role", "ansible.builtin.import_role", "ansible.builtin.include_role"}
)
_SPEC_FILES = ("meta/argument_specs.yml", "meta/argument_specs.yaml", "meta/main.yml")
_BLOCKS = ("block", "rescue", "always")
_TASK_LISTS = ("pre_tasks", "tasks", "post_tasks", "handlers")


@dataclass(frozen=True)
class RoleUse:
    """A role that a playbook uses, from where, and which variables it sets itself."""

    role: str
    entry_point: str
    given: frozenset[str]


@dataclass(frozen=True)
class PlaybookFile:
    """A playbook as far as the form needs it."""

    name: str
    #: The name of its first play, where it has one.
    title: str
    options: tuple[Option, ...]
    #: Whether any of its roles describes its variables.
    has_spec: bool
    problems: tuple[Problem, ...]


def read_playbook(path: Path, roles: Path) -> PlaybookFile:
    """The playbook at `path` and the specs of its roles; what is wrong is told, not raised."""
    try:
        file = read(path, path.name)
    except Unreadable as error:
        return PlaybookFile(path.stem, "", (), has_spec=False, problems=(error.problem,))
    plays = file.value
    if not isinstance(plays, list) or not all(isinstance(play, dict) for play in plays):
        problem = file.problem("A playbook is a list of plays.")
        return PlaybookFile(path.stem, "", (), has_spec=False, problems=(problem,))
    title = next((str(play["name"]) for play in plays if play.get("name")), "")
    options: dict[str, Option] = {}
    problems: list[Problem] = []
    has_spec = False
    for use in dict.fromkeys(use for play in plays for use in _role_uses(play)):
        spec, place = _spec_of(roles, use.role, problems)
        if spec is None:
            continue
        found, wrong = options_of(spec, use.entry_point, place)
        has_spec = has_spec or has_entry(spec, use.entry_point, place)
        problems += wrong
        for option in found:
            if option.name not in use.given:
                options.setdefault(option.name, option)
    return PlaybookFile(path.stem, title, tuple(options.values()), has_spec, tuple(problems))


def _spec_of(roles: Path, role: str, problems: list[Problem]) -> tuple[YamlFile | None, Place]:
    """The file that holds the specs of `role`, and where in it they stand."""
    for inner in _SPEC_FILES:
        path = roles / role / inner
        if path.is_file():
            try:
                return read(path, f"roles/{role}/{inner}"), ("argument_specs",)
            except Unreadable as error:
                problems.append(error.problem)
                return None, ()
    return None, ()


def _role_uses(play: dict[str, Any]) -> Iterator[RoleUse]:
    play_given = _names(play.get("vars"))
    for each in play.get("roles") or []:
        if isinstance(each, str):
            yield RoleUse(each, "main", play_given)
        elif isinstance(each, dict) and (name := each.get("role") or each.get("name")):
            given = _names(each.get("vars")) | frozenset(str(key) for key in each)
            yield RoleUse(str(name), "main", play_given | given)
    for key in _TASK_LISTS:
        yield from _in_tasks(play.get(key) or [], play_given)


def _in_tasks(tasks: Any, given: frozenset[str]) -> Iterator[RoleUse]:
    for task in tasks if isinstance(tasks, list) else []:
        if not isinstance(task, dict):
            continue
        inner_given = given | _names(task.get("vars"))
        for block in _BLOCKS:
            yield from _in_tasks(task.get(block) or [], inner_given)
        for action in _ROLE_ACTIONS & task.keys():
            arguments = task[action]
            if isinstance(arguments, dict) and isinstance(arguments.get("name"), str):
                yield RoleUse(arguments["name"], str(arguments.get("tasks_from", "main")), inner_given)


def _names(variables: Any) -> frozenset[str]:
    return frozenset(str(name) for name in variables) if isinstance(variables, dict) else frozenset()
