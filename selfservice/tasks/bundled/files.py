"""Task types that read a file: its checksum, the end of a log."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Sequence
from io import BufferedReader
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from selfservice import settings
from selfservice.tasks.allowed_folders import real_path
from selfservice.tasks.parameters import NodePath
from selfservice.tasks.task_type import task_type

_LONGEST_TAIL = 512 * 1024


@task_type("Checksum of a file", seconds=600)
def file_checksum(
    path: NodePath,
    algorithm: Annotated[Literal["sha256", "sha512", "md5"], Field(description="Which checksum.")] = "sha256",
) -> dict[str, Any]:
    """Tell checksum and size in bytes of a file."""
    with _opened(path, settings.load().task_folder_list) as file:
        checksum = hashlib.file_digest(file, algorithm).hexdigest()
        return {"path": path, "algorithm": algorithm, "checksum": checksum, "size": file.tell()}


@task_type("Tail a log file")
def tail_log(
    path: NodePath,
    lines: Annotated[int, Field(ge=1, le=2000, description="At most so many of the last lines.")] = 100,
) -> dict[str, Any]:
    """Show the last lines of a log file below the folders that logs may be read from."""
    with _opened(path, settings.load().log_folder_list) as file:
        size = file.seek(0, os.SEEK_END)
        begin = max(0, size - _LONGEST_TAIL)
        file.seek(begin)
        text = file.read(_LONGEST_TAIL).decode("utf-8", "replace")
    all_lines = text.splitlines()
    whole = all_lines if begin == 0 else all_lines[1:]
    return {"path": path, "size": size, "lines": whole[-lines:]}


def _opened(path: str, allowed: Sequence[Path]) -> BufferedReader:
    """An ordinary file, opened where it really is; a link that appears meanwhile is not followed."""
    real = real_path(path, allowed, settings.load().instance)
    # Not blocking: a fifo without a writer would hold the task.
    descriptor = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise IsADirectoryError(f"{path} is not an ordinary file.")
    return os.fdopen(descriptor, "rb")
