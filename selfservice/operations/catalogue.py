"""The catalogue of operations: read from the playbooks themselves, again whenever a file changes."""

from __future__ import annotations

import dataclasses
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from selfservice.errors import NotFound
from selfservice.operations import syntax
from selfservice.operations.playbook import read_playbook
from selfservice.operations.sidecar import FieldExtra, Sidecar, read_sidecar
from selfservice.operations.spec import Option
from selfservice.operations.yaml_file import Problem

_SUFFIXES = (".yml", ".yaml")
Signature = tuple[tuple[str, int, int], ...]


class OperationNotFound(NotFound):
    """There is no such operation, or this person may not know of it."""

    title = "No such operation"


@dataclass(frozen=True)
class Operation:
    """Something a person may ask of hosts: a playbook with its form, policy and texts."""

    name: str
    #: The playbook's file name below playbooks/.
    playbook: str
    title: str
    sidecar: Sidecar = dataclasses.field(default_factory=Sidecar)
    options: tuple[Option, ...] = ()
    #: Without a spec, any variables may be given.
    has_spec: bool = False
    problems: tuple[Problem, ...] = ()

    @property
    def launchable(self) -> bool:
        """Whether nothing is wrong with its files."""
        return not self.problems

    def field(self, name: str) -> FieldExtra:
        """What the sidecar says of the variable `name`."""
        return self.sidecar.fields.get(name, FieldExtra())

    def option(self, name: str) -> Option | None:
        """The option called `name`, where there is one."""
        return next((option for option in self.options if option.name == name), None)

    @property
    def validator_spec(self) -> dict[str, Any]:
        """All options as Ansible's validator takes them."""
        return {option.name: option.raw for option in self.options}


class Catalogue:
    """The operations in one folder of playbooks; safe under many threads."""

    def __init__(self, playbooks: Path) -> None:
        """Name the folder; nothing is read yet."""
        self._playbooks = playbooks
        self._lock = threading.Lock()
        self._signature: Signature | None = None
        self._operations: dict[str, Operation] = {}

    def all(self) -> list[Operation]:
        """Every operation, by title."""
        return sorted(self._read().values(), key=lambda each: each.title.lower())

    def get(self, name: str) -> Operation:
        """The operation called `name`. Raises OperationNotFound."""
        try:
            return self._read()[name]
        except KeyError:
            raise OperationNotFound(f"There is no operation “{name}” (any more).") from None

    def _read(self) -> dict[str, Operation]:
        with self._lock:
            signature = tuple(sorted(_files(self._playbooks)))
            if signature != self._signature:
                self._operations = self._load()
                self._signature = signature
            return self._operations

    def _load(self) -> dict[str, Operation]:
        found = {}
        for path in sorted(self._playbooks.glob("*.y*ml")):
            if path.suffix in _SUFFIXES and not path.name.startswith("."):
                found[path.stem] = self._operation(path)
        sound = {operation.playbook for operation in found.values() if operation.launchable}
        for file_name, problem in syntax.check(self._playbooks, sound).items():
            name = Path(file_name).stem
            found[name] = replace(found[name], problems=(problem,))
        return found

    def _operation(self, path: Path) -> Operation:
        file = read_playbook(path, self._playbooks / "roles")
        sidecar, problems = read_sidecar(self._playbooks / "operations" / f"{path.stem}.yml", file.options)
        return Operation(
            name=path.stem,
            playbook=path.name,
            title=sidecar.title or file.title or path.stem.replace("_", " ").capitalize(),
            sidecar=sidecar,
            options=file.options,
            has_spec=file.has_spec,
            problems=(*file.problems, *problems),
        )


def _files(folder: Path) -> Iterator[tuple[str, int, int]]:
    """Name, time and size of every file below `folder`: differs whenever one of them changed."""
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.name.startswith(".") or entry.name == "__pycache__":
            continue
        if entry.is_dir():
            yield from _files(Path(entry.path))
        else:
            try:
                stat = entry.stat()
            except FileNotFoundError:  # gone since we looked, or a link to nothing
                continue
            yield entry.path, stat.st_mtime_ns, stat.st_size
