"""The catalogue with the playbooks of repositories in it, each under the name of its repository."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from selfservice.files.models import RepositoryRecord
from selfservice.files.sources import Sources
from selfservice.operations.catalogue import Catalogue, Operation, OperationNotFound


class SourcedCatalogue:
    """The operations of this node's own playbooks, and those of the commits of sources that are in use."""

    def __init__(self, own: Catalogue, sources: Sources | None, cache: Path) -> None:
        """Put those of `sources` beside `own`; what Ansible says of them is kept in the folder `cache`."""
        self._own = own
        self._sources = sources
        self._cache = cache
        self._known: dict[Path, Catalogue] = {}

    def all(self) -> list[Operation]:
        """Every operation, by title."""
        return sorted([*self._own.all(), *self._sourced().values()], key=lambda each: each.title.lower())

    def get(self, name: str) -> Operation:
        """The operation called `name`; that of a source is called `repository.playbook`. Raises OperationNotFound."""
        try:
            return self._own.get(name)
        except OperationNotFound:
            sourced = self._sourced() if "." in name else {}
            if name not in sourced:
                raise
            return sourced[name]

    def _sourced(self) -> dict[str, Operation]:
        found: dict[str, Operation] = {}
        in_use = self._sources.in_use() if self._sources else []
        self._known = {folder: self._of(record, folder) for record, _, folder in in_use}
        for record, source, folder in in_use:
            for each in self._known[folder].all():
                name = f"{record.name}.{each.name}"
                title, playbook = f"{record.title}: {each.title}", str(folder / each.playbook)
                commit = {record.name: source.commit}
                found[name] = replace(each, name=name, title=title, playbook=playbook, source=commit)
        return found

    def _of(self, record: RepositoryRecord, folder: Path) -> Catalogue:
        return self._known.get(folder) or Catalogue(folder, self._cache / f"playbooks-{record.id}.json")
