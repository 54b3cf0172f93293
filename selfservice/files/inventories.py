"""The hosts of a commit, in one file for Ansible that never changes.

Ansible itself reads the inventory of the repository, in a process of its own: static files only, so
nothing of the repository is run. What it says of each host is written down whole, so that the
repository's group variables are those of its own hosts and of nobody else's.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from selfservice.errors import Unavailable
from selfservice.files.checkouts import CannotBeUsed
from selfservice.store import files

_SECONDS = 60
#: Plugins that read static files; scripts and such as fetch hosts from elsewhere are none.
_STATIC = "ini,yaml,toml"
_FAILED = re.compile(r"Failed to parse inventory with '\w+' plugin: (?:Failed to parse inventory: )?(?P<why>.+)")
_ERROR = re.compile(r"^\[ERROR\]: (?P<why>.+)", re.MULTILINE)


def group_of(repository: str) -> str:
    """The group of all hosts of a repository; Ansible wants no dash in it."""
    return repository.replace("-", "_")


def inventory_file(folder: Path, commit: str, path: str) -> Path:
    """Where the hosts of a commit stand, as its file or folder `path` names them."""
    return folder / f"{commit}-{hashlib.sha256(path.encode()).hexdigest()[:8]}.json"


def make_inventory(checkout: Path, path: str, repository: str, into: Path) -> None:
    """Write the hosts of a checkout into the file `into`. Raises CannotBeUsed, or Unavailable without Ansible."""
    if into.is_file():
        return
    source = checkout / path
    if not source.exists():
        raise CannotBeUsed(f"There is no inventory at {path}.")
    said = _asked(source, path)
    groups = {name: value for name, value in said.items() if name not in ("_meta", "all")}
    variables = said.get("_meta", {}).get("hostvars", {})
    hosts = sorted({*variables, *(host for group in groups.values() for host in group.get("hosts", ()))})
    if not hosts:
        raise CannotBeUsed(f"The inventory {path} has no hosts.")
    name = group_of(repository)
    if name in hosts:
        raise CannotBeUsed(f"{path} has a host called {name}, which is what the group of all its hosts is called.")
    written: dict[str, Any] = {"all": {"hosts": {host: variables.get(host, {}) for host in hosts}}}
    for group, value in groups.items():
        members: dict[str, Any] = {
            kind: {each: {} for each in value[kind]} for kind in ("hosts", "children") if value.get(kind)
        }
        if members and group != "ungrouped":
            written[group] = members
    written.setdefault(name, {})["hosts"] = {host: {} for host in hosts}
    files.write_json(into, written)


def _asked(source: Path, path: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="selfservice-inventory-") as home:
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": home,
            "LANG": "C.UTF-8",
            "PYTHONUTF8": "1",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_INVENTORY_ENABLED": _STATIC,
            "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "True",
        }
        command = [sys.executable, "-m", "ansible", "inventory", "--list", "--inventory", str(source)]
        try:
            done = subprocess.run(
                command,
                cwd=home,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_SECONDS,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Unavailable(f"Ansible could not be asked about the inventory {path}; try again.") from error
    if done.returncode:
        raise CannotBeUsed(f"Ansible cannot read the inventory {path}: {_why(done.stderr, source)}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _why(error: str, source: Path) -> str:
    """The last plugin's words: those before were of another format."""
    found = [match["why"] for match in _FAILED.finditer(error)] or [match["why"] for match in _ERROR.finditer(error)]
    why = (found[-1] if found else error.strip()[-300:]).replace(f"{source.parent}/", "")[:500]
    return why.rstrip(".") + "."
