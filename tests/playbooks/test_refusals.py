"""What operations refuse, with a sentence that says why. One call for all: most of its time is Ansible's start."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tests.playbooks.conftest import Play

PROJECT = {"folder": "/no/such/project"}
#: Role, entry point, values, and a part of the sentence.
REFUSED: list[tuple[str, str, dict[str, Any], str]] = [
    ("count_folders", "main", {}, "missing required arguments: folder"),
    ("count_folders", "main", {"folder": "/no/such"}, "There is no folder /no/such on web-1."),
    ("list_folder", "main", {"folder": "etc"}, "Name the folder in full"),
    ("disk_usage", "main", {"folder": "--help"}, "Name the folder in full"),
    ("disk_usage", "main", {"folder": "/", "largest": "many"}, "largest"),
    ("service", "status", {"service": "no-such"}, "There is no service no-such on web-1."),
    ("service", "start", {"service": "../../tmp/evil"}, "This is no name of a service"),
    ("service", "stop", {"service": "--all"}, "This is no name of a service"),
    ("service", "restart", {"service": "no-such"}, "There is no service no-such on web-1."),
    ("package_upgrade", "main", {"scope": "chosen"}, "Name at least one package"),
    (
        "package_upgrade",
        "main",
        {"scope": "chosen", "packages": ["/tmp/own.rpm"]},
        "no name of a package: /tmp/own.rpm",
    ),
    ("package_upgrade", "main", {"scope": "chosen", "packages": ["tar", "-o"]}, "no name of a package: -o"),
    (
        "package_upgrade",
        "main",
        {"scope": "chosen", "packages": ["dpkg", "no-such"]},
        "Not installed on web-1: no-such.",
    ),
    ("package_upgrade", "main", {"scope": "some"}, "value of scope must be one of"),
    ("reboot", "main", {"reason": '"; echo $(id) #'}, "Write the reason in letters"),
    ("reboot", "main", {"reason": "one\ntwo\n"}, "Write the reason in letters"),
    ("run_script", "main", {}, "Type a script."),
    ("run_script", "main", {"source": "file"}, "Name the path of the script"),
    ("run_script", "main", {"source": "file", "script_file": "/no/such"}, "There is no file /no/such on the master"),
    ("run_script", "main", {"script_text": "true", "interpreter": "/no/sh"}, "There is no program /no/sh on web-1"),
    ("copy_file", "main", {"source_file": "x", "target": "/tmp/x"}, "Name both files in full"),
    ("copy_file", "main", {"source_file": "/no/such", "target": "/tmp/x"}, "There is no file /no/such on the master."),
    ("copy_file", "main", {"source_file": "/etc/hosts", "target": "/tmp/x", "file_mode": "9"}, "Give permissions as"),
    ("project", "deploy", {"folder": "project"}, "Name the folder of the project in full"),
    ("project", "deploy", PROJECT, "There is no executable ./deploy.sh in /no/such/project on web-1."),
    ("project", "backup", PROJECT, "There is no executable ./backup.sh in /no/such/project on web-1."),
]


def attempt(number: int, role: str, entry: str, values: dict[str, Any]) -> dict[str, Any]:
    """A block that prints why it was refused."""
    return {
        "block": [{"ansible.builtin.include_role": {"name": role, "tasks_from": entry}, "vars": values}],
        "rescue": [{"ansible.builtin.debug": {"msg": f"REFUSED {number}: {{{{ ansible_failed_result.msg }}}}"}}],
    }


def test_operations_refuse_what_they_cannot_do_and_say_why(play: Play, tmp_path: Path) -> None:
    tasks = [attempt(number, *case[:3]) for number, case in enumerate(REFUSED)]
    # In check mode: whatever is not refused must not reboot this machine.
    played = play(
        playbook=[{"hosts": "all", "gather_subset": ["!all", "!min", "pkg_mgr"], "tasks": tasks}], switches=("--check",)
    )
    reasons = dict(re.findall(r'"msg": "REFUSED (\d+): (.*)"', played.output))
    for number, (role, entry, values, sentence) in enumerate(REFUSED):
        assert sentence in reasons.get(str(number), "not refused"), f"{role} {entry} {values}"
