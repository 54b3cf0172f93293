"""The catalogue says what the files say, and names whatever is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from selfservice.operations import syntax
from selfservice.operations.catalogue import Catalogue, OperationNotFound
from selfservice.operations.sidecar import Danger
from selfservice.runs.launching import WhenSameRuns
from tests.operations.playbooks import Playbooks


@pytest.fixture
def playbooks(tmp_path: Path) -> Playbooks:
    return Playbooks(tmp_path / "playbooks")


@pytest.fixture
def catalogue(playbooks: Playbooks) -> Catalogue:
    return Catalogue(playbooks.folder)


def problems(catalogue: Catalogue, name: str) -> list[str]:
    return [str(problem) for problem in catalogue.get(name).problems]


def test_a_playbook_is_an_operation_by_itself(playbooks: Playbooks, catalogue: Catalogue) -> None:
    playbooks.write("say_hello.yml", "- hosts: all\n  tasks: []\n")
    operation = catalogue.get("say_hello")
    assert (operation.title, operation.has_spec, operation.launchable) == ("Say hello", False, True)


def test_variables_come_from_the_specs_of_its_roles(playbooks: Playbooks, catalogue: Catalogue) -> None:
    playbooks.operation(
        "disk_usage",
        """
        path: {type: path, default: /, description: [Where to look., On every host.]}
        depth: {type: int, required: true}
        """,
    )
    path, depth = catalogue.get("disk_usage").options
    assert (path.type, path.default, path.description) == ("path", "/", "Where to look. On every host.")
    assert (depth.type, depth.required) == ("int", True)


def test_roles_used_by_tasks_count_with_their_entry_point(playbooks: Playbooks, catalogue: Catalogue) -> None:
    playbooks.write(
        "restart.yml",
        """
        - hosts: all
          tasks:
            - block:
                - ansible.builtin.import_role: {name: service, tasks_from: restart}
                  vars: {service_state: restarted}
        """,
    )
    playbooks.write("roles/service/tasks/restart.yml", "- ansible.builtin.debug:\n")
    playbooks.write(
        "roles/service/meta/argument_specs.yml",
        """
        argument_specs:
          main: {options: {other: {type: str}}}
          restart:
            options:
              service_name: {type: str, required: true}
              service_state: {type: str}
        """,
    )
    assert [option.name for option in catalogue.get("restart").options] == ["service_name"]


def test_the_sidecar_adds_what_a_spec_cannot_say(playbooks: Playbooks, catalogue: Catalogue) -> None:
    playbooks.operation(
        "reboot",
        "reason: {type: str}",
        """
        title: Reboot and wait
        danger: dangerous
        same_running: refuse
        hosts: {default: web, allowed: "web:db"}
        who: {people: [alice]}
        timeout: 900
        fields:
          reason: {label: Why, shown_when: {field: reason2, equals: x}}
        """.replace(", shown_when: {field: reason2, equals: x}", ""),
    )
    operation = catalogue.get("reboot")
    sidecar = operation.sidecar
    assert operation.title == "Reboot and wait"
    assert (sidecar.danger, sidecar.same_running) == (Danger.DANGEROUS, WhenSameRuns.REFUSE)
    assert (sidecar.hosts_default, sidecar.hosts_allowed, sidecar.timeout) == ("web", "web:db", 900)
    assert (sidecar.people, operation.field("reason").label) == (("alice",), "Why")


def test_what_changed_on_disk_is_seen_at_the_next_look(playbooks: Playbooks, catalogue: Catalogue) -> None:
    playbooks.operation("a", "x: {type: str}")
    assert catalogue.get("a").options[0].type == "str"
    playbooks.operation("a", "xy: {type: int}", "title: Changed")
    assert (catalogue.get("a").title, catalogue.get("a").options[0].type) == ("Changed", "int")
    (playbooks.folder / "a.yml").unlink()
    with pytest.raises(OperationNotFound):
        catalogue.get("a")


def test_a_yaml_mistake_is_told_with_file_and_line(playbooks: Playbooks, catalogue: Catalogue) -> None:
    playbooks.write("broken.yml", "- hosts: all\n  tasks:\n   - debug: {msg: 'x\n")
    playbooks.operation("fine")
    assert problems(catalogue, "broken")[0].startswith("broken.yml:4: ")
    assert catalogue.get("fine").launchable


def test_ansibles_own_message_is_told_with_file_and_line(playbooks: Playbooks, catalogue: Catalogue) -> None:
    playbooks.operation("odd", tasks="- no_such_module_here: {a: 1}")
    playbooks.operation("fine")
    (problem,) = problems(catalogue, "odd")
    assert problem.startswith("roles/odd/tasks/main.yml:1: ")
    assert "no_such_module_here" in problem
    assert catalogue.get("fine").launchable


def test_a_missing_role_spoils_only_its_own_playbook(playbooks: Playbooks, catalogue: Catalogue) -> None:
    playbooks.write("lonely.yml", "- hosts: all\n  roles: [nobody_wrote_me]\n")
    playbooks.operation("fine")
    assert "nobody_wrote_me" in problems(catalogue, "lonely")[0]
    assert catalogue.get("fine").launchable


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("x: {type: text}", "argument_specs.yml:4: “text” is no type"),
        ("x: {type: str, chioces: [a]}", "“chioces” is not known"),
        ("x: {type: str, options: {y: {type: str}}}", "its type must be dict or list"),
        ("x: 3", "must be a mapping"),
    ],
)
def test_a_mistake_in_a_spec_is_told(playbooks: Playbooks, catalogue: Catalogue, options: str, message: str) -> None:
    playbooks.operation("a", options)
    assert message in problems(catalogue, "a")[0]


@pytest.mark.parametrize(
    ("sidecar", "message"),
    [
        ("title: A\ntitel: B\n", "operations/a.yml:2: Unknown key titel; known are title,"),
        ("danger: high\n", "operations/a.yml:1: 'high' is not one of"),
        ("timeout: soon\n", "operations/a.yml:1: 'soon' is not of type 'integer'"),
        ("- a list\n", "is not of type 'object'"),
        ("fields:\n  z: {label: Z}\n", "operations/a.yml:2: The playbook has no variable “z”"),
        ("fields:\n  x: {labl: Z}\n", "operations/a.yml:2: Unknown key labl"),
        (
            "fields:\n  x:\n    shown_when: {field: z, equals: 1}\n",
            "operations/a.yml:3: The playbook has no variable “z”",
        ),
        (
            "fields:\n  x: {shown_when: {field: y, equals: 1}}\n  y: {shown_when: {field: x, equals: 1}}\n",
            "operations/a.yml:2: These fields wait for each other: x → y → x.",
        ),
        ("fields:\n  x: {shown_when: {field: x, equals: 1}}\n", "wait for each other: x → x"),
        ("fields:\n  needed: {shown_when: {field: x, equals: 1}}\n", "“needed” is required by its spec"),
        ("fields:\n  x: {choices_from: {inventory: hosts, file: a}}\n", "operations/a.yml:2:"),
        ("title: [\n", "operations/a.yml:2:"),
    ],
)
def test_a_mistake_in_a_sidecar_is_told(playbooks: Playbooks, catalogue: Catalogue, sidecar: str, message: str) -> None:
    playbooks.operation("a", "x: {type: str}\ny: {type: str}\nneeded: {type: str, required: true}", sidecar)
    assert any(message in problem for problem in problems(catalogue, "a")), problems(catalogue, "a")
    assert not catalogue.get("a").launchable


def test_ansible_is_asked_again_only_where_a_file_changed(
    playbooks: Playbooks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    playbooks.operation("odd", tasks="- no_such_module_here: {a: 1}")
    cache = tmp_path / "cache.json"
    Catalogue(playbooks.folder, cache).all()
    with monkeypatch.context() as patch:
        patch.setattr(syntax, "check", lambda *_: pytest.fail("asked again"))
        assert "no_such_module_here" in problems(Catalogue(playbooks.folder, cache), "odd")[0]
    playbooks.operation("odd", tasks="- ansible.builtin.debug:")
    assert Catalogue(playbooks.folder, cache).get("odd").launchable
    cache.write_text("torn {")
    assert Catalogue(playbooks.folder, cache).get("odd").launchable
