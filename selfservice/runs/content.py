"""What a playbook consists of, as one hash: another one whenever a file changes that it can reach."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from selfservice.errors import Unavailable
from selfservice.settings import Settings

#: Texts and policies of operations: Ansible does not read them.
_SIDECARS = "operations"
#: Beside a playbook and beside the inventory, Ansible reads variables from these (its vars plugin host_group_vars).
_VARIABLES = ("group_vars", "host_vars")


def content_of(settings: Settings, playbook: str) -> str:
    """The hash of all files that `playbook` (its path below playbooks/, or a whole path) can make use of.

    Raises Unavailable.
    """
    digest = hashlib.sha256()
    try:
        for file in files_of(settings, playbook):
            digest.update(f"{file}\0{file.stat().st_mode & 0o111}\0".encode("utf-8", "surrogateescape"))
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    except OSError as error:
        raise Unavailable(f"The playbook {Path(playbook).name} cannot be read whole: {error}.") from error
    return digest.hexdigest()


def files_of(settings: Settings, playbook: str) -> list[Path]:
    """All files that `playbook` can make use of, in order.

    These are the playbooks it imports, the roles, and whatever else lies beside it but playbooks that it does not
    import: which files a task includes is known only while it runs. Raises OSError.
    """
    path = settings.playbooks / playbook
    return sorted({*_beside(path), *_below(settings.playbooks / "roles"), *_variables(settings)})


def _variables(settings: Settings) -> Iterator[Path]:
    for name in _VARIABLES:
        yield from _below(settings.inventory / name)


def _beside(playbook: Path) -> Iterator[Path]:
    imported = _imported(playbook)
    for entry in sorted(playbook.parent.iterdir()):
        if entry.is_dir():
            if entry.name != _SIDECARS and not entry.name.startswith("."):
                yield from _below(entry)
        elif entry in imported or not _is_playbook(entry):
            yield entry


def _below(folder: Path) -> Iterator[Path]:
    for name, folders, names in os.walk(folder):
        folders[:] = [each for each in folders if each != "__pycache__" and not each.startswith(".")]
        yield from (Path(name) / each for each in names)


def _imported(playbook: Path) -> set[Path]:
    """The playbook itself and all that it imports, however deep."""
    found: set[Path] = set()
    waiting = [playbook]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        for play in _plays(path):
            other = play.get("import_playbook", play.get("ansible.builtin.import_playbook"))
            if isinstance(other, str):
                waiting.append(Path(os.path.normpath(path.parent / other)))
    return {path for path in found if path.is_file()}


def _is_playbook(path: Path) -> bool:
    return any({"hosts", "import_playbook", "ansible.builtin.import_playbook"} & set(play) for play in _plays(path))


def _plays(path: Path) -> list[dict[str, Any]]:
    """The plays in a file; none where it is something else, or nothing that can be read."""
    if path.suffix not in (".yml", ".yaml"):
        return []
    try:
        value = yaml.load(path.read_bytes(), Loader=_Loader)  # noqa: S506  # a safe loader, see below
    except (OSError, yaml.YAMLError):
        return []
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


class _Loader(yaml.SafeLoader):
    """The safe loader, for which Ansible's own tags (!vault, !unsafe) stand for nothing."""


_Loader.add_multi_constructor("!", lambda _loader, _suffix, _node: None)
