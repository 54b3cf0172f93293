"""What holds for every operation that comes with the program, without running it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from selfservice.operations.catalogue import Catalogue
from selfservice.settings import CHECKOUT
from tests.playbooks import cases
from tests.playbooks.conftest import PLAYBOOKS, ansible_playbook

#: Where a play or a task says something that is not the name of a module.
_PLAY = {"hosts", "gather_facts", "gather_subset", "roles", "tasks"}
_BLOCK = {"name", "when", "vars", "become", "become_user", "environment", "block", "rescue", "always"}
_TASK = {"register", "check_mode", "changed_when", "failed_when", "diff", "delegate_to"}


def tasks_of(value: Any) -> Iterator[dict[str, Any]]:
    """Every play, block and task."""
    for each in value or []:
        if isinstance(each, dict):
            yield each
            for key in ("tasks", "block", "rescue", "always"):
                yield from tasks_of(each.get(key))


def test_every_operation_is_tried() -> None:
    looking = [operation.name for operation in cases.LOOKING]
    others = (*cases.PROBING, *cases.SERVICES, *cases.PACKAGES, *cases.WRITING, *cases.REBOOTING)
    assert sorted([*looking, *others]) == cases.NAMES


def test_every_playbook_is_a_sound_operation() -> None:
    operations = Catalogue(PLAYBOOKS).all()
    assert [str(problem) for operation in operations for problem in operation.problems] == []
    assert sorted(operation.name for operation in operations) == cases.NAMES
    for operation in operations:
        assert operation.has_spec, operation.name
        for option in operation.options:
            assert option.description.endswith("."), f"{operation.name}: {option.name}"


def test_every_operation_says_what_it_is_and_what_will_happen() -> None:
    for operation in Catalogue(PLAYBOOKS).all():
        sidecar = operation.sidecar
        for sentence in (sidecar.description, sidecar.help):
            assert sentence.endswith("."), operation.name
        assert bool(sidecar.confirmation) == (sidecar.danger != "none"), operation.name
        assert set(sidecar.fields) <= {option.name for option in operation.options}, operation.name


def test_defaults_of_roles_are_those_of_their_specs() -> None:
    for path in sorted(PLAYBOOKS.glob("roles/*/meta/argument_specs.yml")):
        role = path.parent.parent
        specs = yaml.safe_load(path.read_text())["argument_specs"].values()
        options = {name: option for spec in specs for name, option in (spec.get("options") or {}).items()}
        expected = {name: option["default"] for name, option in options.items() if "default" in option}
        defaults = role / "defaults/main.yml"
        assert (yaml.safe_load(defaults.read_text()) if defaults.exists() else {}) == expected, role.name


def test_only_modules_of_ansible_itself_and_of_the_roles_are_used() -> None:
    paths = [*PLAYBOOKS.glob("*.yml"), *PLAYBOOKS.glob("roles/*/tasks/*.yml")]
    used = {key for path in paths for task in tasks_of(yaml.safe_load(path.read_text())) for key in task}
    used -= _PLAY | _BLOCK | _TASK | {path.stem for path in PLAYBOOKS.glob("roles/*/library/*.py")}
    assert {module for module in used if not module.startswith("ansible.builtin.")} == set()
    assert not used & {"ansible.builtin.shell", "ansible.builtin.raw"}


def test_commands_are_lists_and_never_lines() -> None:
    for path in PLAYBOOKS.glob("roles/*/tasks/*.yml"):
        for task in tasks_of(yaml.safe_load(path.read_text())):
            command = task.get("ansible.builtin.command")
            assert command is None or set(command) <= {"argv", "chdir", "expand_argument_vars"}, (
                f"{path}: {task['name']}"
            )


def test_plays_never_become_root_as_a_whole() -> None:
    for path in PLAYBOOKS.glob("*.yml"):
        assert all("become" not in play for play in yaml.safe_load(path.read_text())), path.name


def test_ansible_reads_every_playbook() -> None:
    playbooks = [str(PLAYBOOKS / f"{name}.yml") for name in cases.NAMES]
    read = ansible_playbook("--syntax-check", "--inventory", "web-1,", *playbooks)
    assert read.rc == 0, read.output


def test_the_documentation_names_them_all() -> None:
    table = (CHECKOUT / "docs/operations.md").read_text()
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == cases.NAMES
