"""Ansible's own opinion of playbooks, asked for in a process of its own.

Ansible keeps global state and may stop a process; one that serves pages is no place for it.
"""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from selfservice.operations.yaml_file import Problem
from selfservice.settings import CHECKOUT

log = logging.getLogger(__name__)

_SECONDS = 60
#: Where Ansible's messages say the place: "… Origin: /path/x.yml:5:7".
_ORIGIN = re.compile(r"^Origin: (?P<path>.+?):(?P<line>\d+)(?::\d+)?$", re.MULTILINE)


def check(playbooks: Path, names: Iterable[str]) -> dict[str, Problem] | None:
    """What Ansible says of each of these playbooks (file names) that it cannot load; None where it cannot be asked."""
    wanted = sorted(names)
    if not wanted:
        return {}
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
        "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"),
        "ANSIBLE_ROLES_PATH": str(playbooks / "roles"),
        "PYTHONUTF8": "1",
    }
    command = [sys.executable, "-m", "selfservice.operations.syntax", str(playbooks), *wanted]
    try:
        answer = subprocess.run(
            command, cwd=CHECKOUT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS
        )
        found: dict[str, str] = json.loads(answer.stdout)
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        log.warning("playbooks could not be checked: %s", error)
        return None
    return {name: _problem(playbooks, name, message) for name, message in found.items()}


def _problem(playbooks: Path, name: str, message: str) -> Problem:
    origin = _ORIGIN.search(message)
    sentence = message[: origin.start()].strip() if origin else message.strip()
    if not origin:
        return Problem(name, None, sentence)
    path = Path(origin["path"])
    shown = path.relative_to(playbooks) if path.is_relative_to(playbooks) else path
    return Problem(str(shown), int(origin["line"]), sentence)


def _messages(playbooks: Path, names: Iterable[str]) -> dict[str, str]:
    from ansible.errors import AnsibleError
    from ansible.inventory.manager import InventoryManager
    from ansible.parsing.dataloader import DataLoader
    from ansible.playbook import Playbook
    from ansible.plugins.loader import init_plugin_loader
    from ansible.vars.manager import VariableManager

    init_plugin_loader([])
    loader = DataLoader()
    loader.set_basedir(str(playbooks))
    variables = VariableManager(loader=loader, inventory=InventoryManager(loader=loader, sources=["localhost,"]))
    found = {}
    for name in names:
        try:
            for play in Playbook.load(str(playbooks / name), variable_manager=variables, loader=loader).get_plays():
                play.compile()
        except AnsibleError as error:
            found[name] = f"{error.message}\n{_place(error)}"
    return found


def _place(error: BaseException | None) -> str:
    """What Ansible shows of the file around the mistake: the innermost that it knows."""
    if error is None:
        return ""
    # No public way leads to it; without it a problem names the playbook alone.
    return _place(error.__cause__) or getattr(error, "_formatted_source_context", None) or ""


if __name__ == "__main__":
    answer_to = os.dup(1)
    os.dup2(2, 1)  # whatever Ansible prints is no part of the answer
    with os.fdopen(answer_to, "w") as answer_file:
        json.dump(_messages(Path(sys.argv[1]), sys.argv[2:]), answer_file)
