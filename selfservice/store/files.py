"""Files that survive any death of any process: written whole or not at all."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any


def write_json(path: Path, value: Any, *, mode: int = 0o600) -> None:
    """Replace `path` with `value` as JSON; durable when this returns. Raises OSError."""
    write_bytes(path, as_json(value), mode=mode)


def as_json(value: Any) -> bytes:
    """`value` as it stands in a JSON file of this program."""
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode("utf-8", "surrogateescape")


def write_bytes(path: Path, content: bytes, *, mode: int = 0o600, durable: bool = True) -> None:
    """Replace `path` with `content`: temporary file, fsync, rename, fsync of the folder.

    Without `durable` no fsync: whole or absent as long as the machine itself lives, and quicker.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(path.parent)


def remove_unfinished(folder: Path) -> None:
    """Remove what processes that died within `write_bytes` left; for folders in which no other process writes now."""
    for path in folder.glob(".*"):
        with suppress(OSError):  # a read-only disk: it goes at the next start
            path.unlink()


def read_json(path: Path) -> Any:
    """The JSON value in `path`. Raises FileNotFoundError, or ValueError where it is not JSON."""
    return json.loads(path.read_bytes().decode("utf-8", "surrogateescape"))


def sync_folder(path: Path) -> None:
    """Make the names in the folder `path` durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file `path` alone, across processes and threads, waiting for it."""
    descriptor = lock(path)
    try:
        yield
    finally:
        os.close(descriptor)


def lock(path: Path) -> int:
    """A descriptor that holds the lock on the file `path` until it is closed, waiting for it."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def try_lock(path: Path, *, create: bool = False) -> int | None:
    """A descriptor that holds the lock on the file or folder `path` until it is closed, or None.

    `create` makes the file where there is none; without it, what is missing raises FileNotFoundError.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | (os.O_CREAT if create else 0), 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
