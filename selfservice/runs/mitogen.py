"""Mitogen, which keeps one Python process a host instead of starting one a task: whether a run goes by it.

A strategy plugin of somebody else's, and ansible-core has announced the end of those: so it is used
only where a setting asks for it, only once a play has gone the same with it and without, with just
these versions, and not for playbooks that cannot bear it. All else runs as ever.
"""

from __future__ import annotations

import logging
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib import metadata, resources
from pathlib import Path

from selfservice import logs
from selfservice import settings as settings_module
from selfservice.runs.content import files_of
from selfservice.runs.run import RunKind, RunRequest
from selfservice.settings import CHECKOUT, Settings
from selfservice.store import files

log = logging.getLogger(__name__)

_STRATEGY = "mitogen_linear"
_TRIAL_SECONDS = 60
#: Ansible allows 10 s for a connection; here a Python has to have started at its other end as well.
_CONNECT_SECONDS = 30
_TRIAL = """\
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.command: echo tried
      register: tried
      changed_when: false
    - ansible.builtin.copy: {content: "{{ tried.stdout }}", dest: "{{ playbook_dir }}/copy", mode: "0600"}
      loop: [1, 2]
    - ansible.builtin.slurp: {src: "{{ playbook_dir }}/copy"}
      register: slurped
    - ansible.builtin.debug: {msg: "{{ slurped.content | b64decode }}"}
    - ansible.builtin.command: "false"
      ignore_errors: true
"""
#: A host without Python can be reached by these modules, but not by Mitogen (its documentation: "Noteworthy
#: differences").
_WITHOUT_PYTHON = re.compile(rb"^[\s-]*(?:ansible\.builtin\.)?raw\s*:", re.MULTILINE)


def environment(settings: Settings, request: RunRequest) -> dict[str, str]:
    """What makes Ansible go by Mitogen for this run; empty where it does not."""
    if not (settings.mitogen and _can_bear_it(settings, request) and _works(settings)):
        return {}
    return _chosen()


def begin_trial(settings: Settings, environment: Mapping[str, str]) -> subprocess.Popen[bytes] | None:
    """Have a process of its own try it out with these versions; None where it is not wanted, or was tried before."""
    if not settings.mitogen or _seen(settings) is not None:
        return None
    words = [sys.executable, "-m", "selfservice.runs.mitogen"]
    return subprocess.Popen(words, cwd=CHECKOUT, env={**environment, "PYTHONUTF8": "1"}, stdin=subprocess.DEVNULL)


def try_out(settings: Settings) -> None:
    """See whether Mitogen does what Ansible does without it, and remember that. Takes some seconds."""
    why = _difference(dict(os.environ))
    files.write_json(_file(settings), {"versions": _versions(), "why": why})
    if why:
        log.warning("SELFSERVICE_MITOGEN is left alone: %s", why)
    else:
        log.info("Mitogen works with this Ansible: %s", _versions())


def _can_bear_it(settings: Settings, request: RunRequest) -> bool:
    """Not for one task, nor where nobody but this node is asked; a play that names its strategy has that anyway."""
    if request.kind is not RunKind.PLAYBOOK or set(request.host_names) <= {settings.node_name}:
        return False
    try:
        return not any(_WITHOUT_PYTHON.search(path.read_bytes()) for path in files_of(settings, request.playbook))
    except OSError:
        return False


def _works(settings: Settings) -> bool:
    return _seen(settings) == ""


def _seen(settings: Settings) -> str | None:
    """Why these versions do not work together, "" where they do; None where that was not seen."""
    try:
        value = files.read_json(_file(settings))
        return str(value["why"]) if value["versions"] == _versions() else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _file(settings: Settings) -> Path:
    return settings.instance / "cache" / "mitogen.json"


def _versions() -> str:
    ansible, ours = metadata.version("ansible-core"), metadata.version("mitogen")
    return f"ansible-core {ansible}, mitogen {ours}, Python {platform.python_version()}"


def _chosen() -> dict[str, str]:
    plugins = resources.files("ansible_mitogen") / "plugins" / "strategy"
    return {
        "ANSIBLE_STRATEGY": _STRATEGY,
        "ANSIBLE_STRATEGY_PLUGINS": str(plugins),
        "ANSIBLE_TIMEOUT": str(_CONNECT_SECONDS),
    }


def _difference(source: Mapping[str, str]) -> str:
    """What is wrong with a play that goes by Mitogen; "" where it says what it says without."""
    without, with_it = _played(source, {}), _played(source, _chosen())
    if without != with_it:
        return f"a play went otherwise with {_versions()}: {with_it[-1000:]}"
    return ""


def _played(source: Mapping[str, str], chosen: Mapping[str, str]) -> str:
    """What ansible-playbook says of the trial, and its exit code."""
    with tempfile.TemporaryDirectory(prefix="selfservice-") as folder:
        path = Path(folder) / "trial.yml"
        path.write_text(_TRIAL, encoding="utf-8")
        passed = {name: source[name] for name in ("PATH", "HOME", "LANG") if name in source}
        words = ["-i", "localhost,", "-c", "local", "-e", f"ansible_python_interpreter={sys.executable}", str(path)]
        try:
            done = subprocess.run(
                [str(Path(sys.executable).with_name("ansible-playbook")), *words],
                cwd=folder,
                env={**passed, "ANSIBLE_DEPRECATION_WARNINGS": "False", "ANSIBLE_LOCAL_TEMP": folder, **chosen},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=_TRIAL_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
        return _without_its_own(f"{done.returncode} {done.stdout}", folder)


def _without_its_own(said: str, folder: str) -> str:
    """The same for two plays that went the same way: without times, and the folder of the one."""
    said = said.replace(folder, "")
    return re.sub(r'"(start|end|delta)": "[^"]*"', r'"\1"', said)


if __name__ == "__main__":
    node_settings = settings_module.load()
    logs.configure(node_settings)
    try_out(node_settings)
