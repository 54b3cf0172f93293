"""Task types that look into folders: what is there, how much, how large."""

from __future__ import annotations

import heapq
import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import psutil
from pydantic import Field

from selfservice import settings
from selfservice.tasks.allowed_folders import real_path
from selfservice.tasks.parameters import NodePath
from selfservice.tasks.task_type import task_type


@task_type("Count folders", seconds=300)
def count_folders(
    path: NodePath,
    recursive: Annotated[bool, Field(description="Also those below, as far down as there are any.")] = False,
) -> dict[str, Any]:
    """Count the folders in a path."""
    folder = _folder(path)
    folders, unreadable = 0, 0
    for _, below, readable in _walk(folder, deep=recursive):
        folders += len(below)
        unreadable += not readable
    return {"path": str(folder), "folders": folders, "unreadable": unreadable}


@task_type("List a folder")
def list_folder(
    path: NodePath,
    hidden: Annotated[bool, Field(description="Also names that begin with a dot.")] = False,
    limit: Annotated[int, Field(ge=1, le=5000, description="At most so many, by name.")] = 500,
) -> dict[str, Any]:
    """List what a folder holds: name, kind, size in bytes, when it was changed."""
    folder = _folder(path)
    with os.scandir(folder) as entries:
        found = [entry for entry in entries if hidden or not entry.name.startswith(".")]
    shown = sorted(found, key=lambda entry: entry.name)[:limit]
    return {"path": str(folder), "total": len(found), "entries": [_described(entry) for entry in shown]}


@task_type("Disk usage")
def disk_usage() -> dict[str, Any]:
    """Tell how full each disk is, in bytes and percent."""
    disks = []
    for partition in psutil.disk_partitions(all=False):
        try:
            usage = psutil.disk_usage(partition.mountpoint)
        except OSError:  # a mount that does not answer, such as a CD drive without a CD
            continue
        disks.append(
            {
                "mount": partition.mountpoint,
                "type": partition.fstype,
                "total": usage.total,
                "used": usage.used,
                "free": usage.free,
                "percent": usage.percent,
            }
        )
    return {"disks": disks}


@task_type("Largest folders", seconds=600)
def largest_folders(
    path: NodePath,
    count: Annotated[int, Field(ge=1, le=100, description="So many, the largest first.")] = 10,
) -> dict[str, Any]:
    """Find the largest folders right below a path, on its own disk; sizes in bytes as on the disk."""
    folder = _folder(path)
    device = folder.stat().st_dev
    sizes: list[tuple[int, str]] = []
    own = 0
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            sizes.append((_size(Path(entry.path), device), entry.path))
        else:
            own += entry.stat(follow_symlinks=False).st_blocks * 512
    largest = heapq.nlargest(count, sizes)
    return {
        "path": str(folder),
        "folders": [{"path": name, "size": size} for size, name in largest],
        "files_here": own,
    }


def _folder(path: str) -> Path:
    configured = settings.load()
    folder = real_path(path, configured.task_folder_list, configured.instance)
    if not folder.is_dir():
        raise NotADirectoryError(f"{path} is not a folder on this node.")
    return folder


def _walk(top: Path, *, deep: bool) -> Iterator[tuple[str, list[str], bool]]:
    """Each folder with the folders in it, and whether it could be read; links are not followed."""
    waiting = [str(top)]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                below = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
        except OSError:
            yield folder, [], False
            continue
        yield folder, below, True
        if deep:
            waiting += below


def _size(top: Path, device: int) -> int:
    total = 0
    for folder, _, names in os.walk(top):
        for name in (*names, ""):
            try:
                found = os.lstat(f"{folder}/{name}" if name else folder)
            except OSError:  # gone meanwhile
                continue
            total += found.st_blocks * 512 if found.st_dev == device else 0
    return total


def _described(entry: os.DirEntry[str]) -> dict[str, Any]:
    found = entry.stat(follow_symlinks=False)
    kinds = {stat.S_IFDIR: "folder", stat.S_IFREG: "file", stat.S_IFLNK: "link"}
    return {
        "name": entry.name,
        "kind": kinds.get(stat.S_IFMT(found.st_mode), "other"),
        "size": found.st_size,
        "modified": datetime.fromtimestamp(found.st_mtime, UTC).isoformat(timespec="seconds"),
    }
