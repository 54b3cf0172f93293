"""The list of files of a commit, kept: a commit never changes, so it is asked for once."""

from __future__ import annotations

import logging
from collections import OrderedDict
from pathlib import Path

from selfservice.files.paths import checked_commit
from selfservice.files.repository import Entry, EntryKind, Repository
from selfservice.store import files

logger = logging.getLogger(__name__)

_IN_MEMORY = 16
_ON_DISK = 64

Tree = tuple[Entry, ...]


class TreeCache:
    """Lists of files by repository and commit: the latest in memory, some more on disk."""

    def __init__(self, folder: Path) -> None:
        """Keep them in `folder`, which may be deleted at any time."""
        self._folder = folder
        self._known: OrderedDict[tuple[str, str], Tree] = OrderedDict()

    def of(self, key: str, repository: Repository, commit: str) -> Tree:
        """Every file of a commit of the repository that `key` stands for. Raises CommitGone."""
        kept = self._get(key, checked_commit(commit))
        if kept is None:
            kept = repository.tree(commit)
            self._put(key, commit, kept)
        return kept

    def _get(self, repository: str, commit: str) -> Tree | None:
        key = (repository, commit)
        if key not in self._known:
            try:
                value = files.read_json(self._path(key))
                self._remember(key, tuple(Entry(path, EntryKind(kind)) for path, kind in value))
            except (OSError, ValueError, TypeError):
                return None
        self._known.move_to_end(key)
        return self._known[key]

    def _put(self, repository: str, commit: str, tree: Tree) -> None:
        # A disk that takes nothing costs time later, not the answer now.
        key = (repository, commit)
        self._remember(key, tree)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            files.write_json(self._path(key), [[entry.path, entry.kind.value] for entry in tree])
            for old in sorted(self._folder.glob("*.json"), key=lambda path: path.stat().st_mtime)[:-_ON_DISK]:
                old.unlink(missing_ok=True)
        except OSError as error:
            logger.warning("The list of files of %s could not be kept: %s", commit, error)

    def _remember(self, key: tuple[str, str], tree: Tree) -> None:
        self._known[key] = tree
        while len(self._known) > _IN_MEMORY:
            self._known.popitem(last=False)

    def _path(self, key: tuple[str, str]) -> Path:
        return self._folder / f"{key[0]}-{key[1]}.json"
