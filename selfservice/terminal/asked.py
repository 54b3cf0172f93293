"""What somebody asked of ansible-playbook in a terminal, as the request of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from selfservice.runs.run import RunKind, RunRequest
from selfservice.settings import MASK, Settings
from selfservice.terminal import secret_variables
from selfservice.terminal.secret_variables import Sorted


@dataclass(frozen=True)
class Asked:
    """One command line, as Ansible understood it."""

    playbook: Path
    #: Ansible's own plays, untyped.
    plays: list[Any]
    options: Mapping[str, Any]


def request(settings: Settings, this: Asked, extra: Sorted, hosts: str, host_names: tuple[str, ...]) -> RunRequest:
    """The request of a run that does what was asked for on these hosts."""
    place, operation = _place(settings, this.playbook)
    return RunRequest(
        RunKind.PLAYBOOK,
        hosts=hosts,
        host_names=host_names,
        playbook=place,
        operation=operation,
        label=_label(settings, operation, this.plays) if operation else "",
        become=bool(this.options.get("become")),
        check=bool(this.options.get("check")),
        variables=extra.variables,
        secret_names=tuple(sorted(extra.secrets)),
    )


def extra_variables(settings: Settings, this: Asked) -> Sorted:
    """What was given with -e, secrets told from the rest."""
    given = this.options.get("extra_vars") or ()
    if not given or not this.plays:
        return Sorted({}, {})
    play = this.plays[0]
    no_log = secret_variables.no_log_names(_role_folders(settings, this))
    encrypted = _from_encrypted_files(given, play.get_loader())
    return secret_variables.sort(play.get_variable_manager().extra_vars, no_log, encrypted)


def command(words: list[str], options: Mapping[str, Any], *, has_secrets: bool) -> list[str]:
    """The command line as it may be kept: extra variables among which there is a secret are masked."""
    given = [each for each in options.get("extra_vars") or () if not each.startswith("@")] if has_secrets else []
    kept = []
    for word in words:
        for each in given:
            word = word.replace(each, MASK)
        kept.append(word)
    return kept


def pattern(play: Any) -> str:
    """The host pattern of one play."""
    return ",".join(map(str, play.hosts)) if isinstance(play.hosts, (list, tuple)) else str(play.hosts)


def _place(settings: Settings, playbook: Path) -> tuple[str, str]:
    """The path below playbooks/ and the operation's name; elsewhere the whole path, and no operation."""
    playbook = playbook.resolve()
    if not playbook.is_relative_to(settings.playbooks):
        return str(playbook), ""
    below = playbook.relative_to(settings.playbooks)
    return str(below), below.stem if len(below.parts) == 1 else ""


def _label(settings: Settings, operation: str, plays: list[Any]) -> str:
    """What the catalogue calls it; read here, because the catalogue takes longer than many a playbook."""
    path = settings.playbooks / "operations" / f"{operation}.yml"
    try:
        sidecar = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        sidecar = None
    title = sidecar.get("title") if isinstance(sidecar, dict) else None
    named = next((str(play.name) for play in plays if play.name), "")
    return str(title or named or operation.replace("_", " ").capitalize())


def _role_folders(settings: Settings, this: Asked) -> Iterable[Path]:
    """Where Ansible looks for roles, and where it found those that the plays name or import."""
    from ansible import constants

    searched = [this.playbook.parent / "roles", this.playbook.parent, *map(Path, constants.DEFAULT_ROLES_PATH)]
    loaded = [Path(role._role_path).parent for play in this.plays for role in _roles(play)]
    return dict.fromkeys([settings.playbooks / "roles", *searched, *loaded])


def _roles(play: Any) -> Iterable[Any]:
    for role in play.get_roles():
        yield from (role, *role.get_all_dependencies())
    for block in play.compile():
        yield from (task._role for task in _tasks(block) if task._role)


def _tasks(block: Any) -> Iterable[Any]:
    for each in (*block.block, *block.rescue, *block.always):
        if hasattr(each, "rescue"):
            yield from _tasks(each)
        else:
            yield each


def _from_encrypted_files(given: Iterable[str], loader: Any) -> frozenset[str]:
    """The names of extra variables that come from files encrypted as a whole."""
    found: set[str] = set()
    for each in given:
        if each.startswith("@"):
            path = Path(loader.path_dwim(each[1:]))
            with path.open("rb") as file:
                encrypted = file.read(14) == b"$ANSIBLE_VAULT"
            if encrypted:
                found.update(map(str, loader.load_from_file(str(path))))
    return frozenset(found)
