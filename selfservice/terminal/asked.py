"""What a person asked for who typed `ansible-playbook`: as the run's request, secrets left out."""

from __future__ import annotations

import getpass
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from selfservice.audit.actions import Actor
from selfservice.operations.playbook import read_playbook
from selfservice.operations.yaml_file import Unreadable, read
from selfservice.runs.run import RunKind, RunRequest
from selfservice.settings import Settings

_VARIABLE_OPTIONS = ("-e", "--extra-vars")
_MASK = "********"
#: Names of variables whose values are nobody's business, whatever their playbook says of them.
_SECRET_NAME = re.compile(r"pass(word|wd|phrase)?|secret|token|credential|private|api_?key|_key\Z", re.IGNORECASE)


def actor() -> Actor:
    """Who typed it, from where: the login name, even behind sudo."""
    name = os.environ.get("SUDO_USER") or _login_name()
    address = (os.environ.get("SSH_CLIENT") or os.environ.get("SSH_CONNECTION") or "").partition(" ")[0]
    return Actor(name, "terminal", address or "local")


def words(argv: Sequence[str]) -> list[str]:
    """The call as it was typed, the values of extra variables left out: there may be secrets among them."""
    found, hide = [], False
    for word in argv:
        name, equals, _ = word.partition("=")
        is_variable = name in _VARIABLE_OPTIONS
        if hide:
            found.append(_MASK)
        elif is_variable and equals:
            found.append(f"{name}={_MASK}")
        else:
            found.append(f"-e{_MASK}" if word.startswith("-e") and not is_variable else word)
        hide = is_variable and not equals
    return found


def request(
    playbook: Path, hosts: tuple[str, ...], words: Mapping[str, Any], variables: Mapping[str, Any], settings: Settings
) -> RunRequest:
    """The request for `playbook` on `hosts`; `words` are the options of the call, `variables` its extra variables."""
    known = playbook.parent == settings.playbooks
    read_file = read_playbook(playbook, settings.playbooks / "roles") if variables else None
    marked = {option.name for option in read_file.options if option.secret} if read_file else set()
    secret = {name for name, value in variables.items() if name in marked or _is_secret(name, value)}
    return RunRequest(
        RunKind.PLAYBOOK,
        hosts=str(words.get("subset") or "all"),
        host_names=hosts,
        playbook=playbook.name if known else str(playbook),
        operation=playbook.stem if known else "",
        label=_title(playbook, settings) if known else "",
        become=bool(words.get("become")),
        check=bool(words.get("check")),
        variables={name: value for name, value in variables.items() if name not in secret},
        secret_names=tuple(sorted(secret)),
    )


def _is_secret(name: str, value: Any) -> bool:
    if _SECRET_NAME.search(name) or "Encrypted" in type(value).__name__:
        return True
    if isinstance(value, Mapping):
        return any(_is_secret(str(key), each) for key, each in value.items())
    return isinstance(value, list | tuple) and any(_is_secret("", each) for each in value)


def _title(playbook: Path, settings: Settings) -> str:
    path = settings.playbooks / "operations" / f"{playbook.stem}.yml"
    plain = playbook.stem.replace("_", " ").capitalize()
    if not path.exists():
        return plain
    try:
        value = read(path, path.name).value
    except Unreadable:
        return plain
    title = value.get("title") if isinstance(value, dict) else None
    return title if isinstance(title, str) and title else plain


def _login_name() -> str:
    try:
        return os.getlogin()
    except OSError:  # no terminal of its own: cron, a service
        return getpass.getuser()
