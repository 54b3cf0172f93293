"""A read-only folder for each commit in use: what a run works with never changes under it."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
import tempfile
import time
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import IO

from selfservice.files.errors import FilesError
from selfservice.files.paths import checked, checked_commit
from selfservice.files.repository import Repository, closing_chunks
from selfservice.store.files import sync_folder

_MOST_BYTES = 500 * 1024 * 1024
_MOST_FILES = 50_000
_IN_MEMORY = 8 * 1024 * 1024
_KEPT = 10
_KEPT_SECONDS = 7 * 24 * 3600


class CannotBeUsed(FilesError):
    """The files of a commit cannot be put on this node's disk."""

    status = 422
    problem_type = "commit-unusable"
    title = "This commit cannot be used"


def check_out(repository: Repository, commit: str, folder: Path) -> Path:
    """The folder with the files of a commit, below `folder`, made whole or not at all. Raises CannotBeUsed."""
    wanted = folder / checked_commit(commit)
    if wanted.is_dir():
        return wanted
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = folder / f".{commit}.{secrets.token_hex(4)}"
    try:
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as packed:
            _fetch(repository, commit, packed)
            _unpack(packed, aside)
        try:
            aside.rename(wanted)
        except OSError:
            if not wanted.is_dir():  # somebody else was faster
                raise
        sync_folder(folder)
    except zipfile.BadZipFile as error:
        raise CannotBeUsed(f"The archive of {commit[:12]} came damaged; try again.") from error
    finally:
        _remove(aside)
    return wanted


def clean(folder: Path, keep: Iterable[str]) -> None:
    """Remove what has not been in use for long: never a commit of `keep`, never the latest ones."""
    kept, commits = set(keep), dict[str, list[Path]]()
    for path in sorted(folder.glob("[0-9a-f]*"), key=lambda path: path.stat().st_mtime):
        commits.setdefault(path.name[:40], []).append(path)
    for commit, paths in list(commits.items())[:-_KEPT]:
        if commit in kept or time.time() - max(path.stat().st_mtime for path in paths) < _KEPT_SECONDS:
            continue
        for path in paths:
            _remove(path)


def _fetch(repository: Repository, commit: str, packed: IO[bytes]) -> None:
    size = 0
    with closing_chunks(repository.archive(commit)) as chunks:
        for chunk in chunks:
            size += len(chunk)
            if size > _MOST_BYTES:
                raise CannotBeUsed(f"The files of {commit[:12]} are more than {_MOST_BYTES // 1024 // 1024} MiB.")
            packed.write(chunk)
    packed.seek(0)


def _unpack(packed: IO[bytes], into: Path) -> None:
    into.mkdir(mode=0o700)
    with zipfile.ZipFile(packed) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        if len(entries) > _MOST_FILES or sum(entry.file_size for entry in entries) > _MOST_BYTES:
            raise CannotBeUsed("This commit has more files, or larger ones, than a node takes.")
        prefix = _common_folder([entry.filename for entry in archive.infolist()])
        for entry in entries:
            _write(archive, entry, into, checked(entry.filename.removeprefix(prefix)))
    for path in sorted(into.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o500)
    into.chmod(0o500)


def _write(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, into: Path, path: str) -> None:
    target = into / path
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    mode = entry.external_attr >> 16
    if stat.S_ISLNK(mode):
        leads_to = archive.read(entry).decode("utf-8", "surrogateescape")
        if not _stays_inside(path, leads_to):
            raise CannotBeUsed(f"{path} is a link that leads out of the repository, to {leads_to!r}.")
        target.symlink_to(leads_to)
        return
    with archive.open(entry) as source, target.open("xb") as file:
        shutil.copyfileobj(source, file)
    target.chmod(0o500 if mode & 0o100 else 0o400)


def _stays_inside(path: str, leads_to: str) -> bool:
    if leads_to.startswith("/"):
        return False
    depth = 0
    for part in (*PurePosixPath(path).parent.parts, *leads_to.split("/")):
        if part == "..":
            depth -= 1
        elif part not in ("", "."):
            depth += 1
        if depth < 0:
            return False
    return True


def _common_folder(names: list[str]) -> str:
    """The folder that the Cloud puts around all files; none where files lie beside it."""
    first = names[0].partition("/")[0] + "/" if names else ""
    is_named = len(first) > 13 and all(letter in "0123456789abcdef" for letter in first.rstrip("/")[-12:])
    return first if is_named and all(name.startswith(first) for name in names) else ""


def _remove(folder: Path) -> None:
    if not folder.is_dir():
        folder.unlink(missing_ok=True)
        return
    for root, _, _ in os.walk(folder):
        Path(root).chmod(0o700)
    shutil.rmtree(folder)
