"""The catalogue of operations: read from the playbooks themselves, again whenever a file changes."""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from selfservice.errors import NotFound
from selfservice.operations import syntax
from selfservice.operations.playbook import read_playbook
from selfservice.operations.sidecar import FieldExtra, Sidecar, read_sidecar
from selfservice.operations.spec import Option
from selfservice.operations.yaml_file import Problem
from selfservice.store import files

log = logging.getLogger(__name__)

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
    #: The repository it is from, with the commit; empty for the node's own playbooks.
    source: Mapping[str, str] = dataclasses.field(default_factory=dict)

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


class Catalogue:
    """The operations in one folder of playbooks; safe under many threads."""

    def __init__(self, playbooks: Path, cache: Path | None = None) -> None:
        """Name the folder; nothing is read yet. What Ansible says of the playbooks is kept in `cache`."""
        self._playbooks = playbooks
        self._cache = cache
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
                self._operations = self._load(signature)
                self._signature = signature
            return self._operations

    def _load(self, signature: Signature) -> dict[str, Operation]:
        found = {}
        for path in sorted(self._playbooks.glob("*.y*ml")):
            if path.suffix in _SUFFIXES and not path.name.startswith("."):
                found[path.stem] = self._operation(path)
        sound = {operation.playbook for operation in found.values() if operation.launchable}
        for file_name, problem in self._checked(sound, signature).items():
            name = Path(file_name).stem
            found[name] = replace(found[name], problems=(problem,))
        return found

    def _checked(self, names: set[str], signature: Signature) -> dict[str, Problem]:
        """What Ansible says of these playbooks; it takes a second, so the answer is kept while no file changes."""
        mark = hashlib.sha256(repr((signature, sorted(names))).encode()).hexdigest()
        if (kept := self._kept(mark)) is not None:
            return kept
        problems = syntax.check(self._playbooks, names)
        if problems is not None:
            self._keep(mark, problems)
        return problems or {}

    def _kept(self, mark: str) -> dict[str, Problem] | None:
        if self._cache is None:
            return None
        try:
            kept = files.read_json(self._cache)
            problems = {name: Problem(**problem) for name, problem in kept["problems"].items()}
            return problems if kept["mark"] == mark else None
        except (OSError, ValueError, KeyError, TypeError):  # a cache: whatever is wrong with it, it is made anew
            return None

    def _keep(self, mark: str, problems: dict[str, Problem]) -> None:
        if self._cache is None:
            return
        shown = {name: dataclasses.asdict(problem) for name, problem in problems.items()}
        try:
            self._cache.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            files.write_json(self._cache, {"mark": mark, "problems": shown})
        except OSError as error:
            log.warning("what Ansible says of the playbooks could not be kept: %s", error)

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
