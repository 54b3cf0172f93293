"""A run's output on disk: plain while it is fresh, compressed later, read the same way in either form.

Compressed it is an ordinary gzip file, which zcat shows, and beside it an index by which any part of it can be read
without the rest.
"""

from __future__ import annotations

import gzip
import os
import shutil
from pathlib import Path
from typing import BinaryIO, cast

import indexed_gzip

from selfservice.store import files

_SPACING = 1024 * 1024


def open_output(path: Path) -> BinaryIO:
    """The output at `path`, for reading anywhere in it. Raises FileNotFoundError."""
    try:
        return path.open("rb")
    except FileNotFoundError:
        if not _packed(path).exists():
            raise
        return cast(BinaryIO, _open_packed(path))


def _open_packed(path: Path) -> indexed_gzip.IndexedGzipFile:
    """The compressed output; an index that is missing or torn is made again in memory."""
    packed = str(_packed(path))
    try:
        return indexed_gzip.IndexedGzipFile(packed, index_file=str(_index(path)), spacing=_SPACING)
    except (FileNotFoundError, indexed_gzip.ZranError):
        file = indexed_gzip.IndexedGzipFile(packed, spacing=_SPACING)
        file.build_full_index()
        return file


def has_output(path: Path) -> bool:
    """Whether anything was printed."""
    return path.exists() or _packed(path).exists()


def compress(path: Path) -> int:
    """Compress the finished output at `path`; the bytes that are free now.

    Whoever dies meanwhile leaves the plain file, which counts, and this begins anew. Raises OSError.
    """
    packed, index = _packed(path), _index(path)
    unfinished, unfinished_index = (each.with_name(f".{each.name}") for each in (packed, index))
    before = path.stat().st_size
    with path.open("rb") as plain, unfinished.open("wb") as raw:
        with gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=6, filename="", mtime=0) as file:
            shutil.copyfileobj(plain, file, _SPACING)
        raw.flush()
        os.fsync(raw.fileno())
    with indexed_gzip.IndexedGzipFile(str(unfinished), spacing=_SPACING) as file:
        file.build_full_index()
        file.export_index(str(unfinished_index))
    _make_durable(unfinished_index)
    unfinished_index.replace(index)
    unfinished.replace(packed)
    files.sync_folder(path.parent)
    path.unlink()
    files.sync_folder(path.parent)
    return before - packed.stat().st_size - index.stat().st_size


def _make_durable(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _packed(path: Path) -> Path:
    return path.with_name(f"{path.name}.gz")


def _index(path: Path) -> Path:
    return path.with_name(f"{path.name}.gzidx")
