"""Small disks of their own for folders, which can be filled and made read-only without harm to anybody else."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

_BALLAST = ".ballast"


def can_mount(folder: Path) -> bool:
    """Whether this user may mount here."""
    folder.mkdir(parents=True, exist_ok=True)
    if not _mount("-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)):
        return False
    unmount(folder)
    return True


class Disk:
    """A tmpfs at one folder."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _mount("-t", "tmpfs", "-o", f"size={megabytes}m,mode=0700", "tmpfs", str(folder)):
            raise OSError(f"no tmpfs can be mounted at {folder}")
        self.folder = folder

    def fill(self, spare_pages: int) -> None:
        """Leave so many pages of 4 KiB, and no more; what others free meanwhile is theirs."""
        space = os.statvfs(self.folder)
        size = max(0, space.f_bavail - spare_pages) * space.f_frsize
        descriptor = os.open(self.folder / _BALLAST, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            if size:
                os.posix_fallocate(descriptor, 0, size)
        except OSError:  # somebody took some of it: full all the same
            pass
        finally:
            os.close(descriptor)

    def empty(self) -> None:
        """Take away what filled it."""
        (self.folder / _BALLAST).unlink(missing_ok=True)

    def make_read_only(self) -> bool:
        """Lay a read-only view of the folder over it: a remount is refused while anybody has a file open there."""
        there = str(self.folder)
        return _mount("--bind", there, there) and _mount("-o", "remount,bind,ro", there)

    def make_writable(self) -> None:
        """Take that view away, also where somebody still has a file of it open."""
        subprocess.run(["umount", "--lazy", self.folder], check=False)


def unmount(folder: Path) -> None:
    """Take away everything that is mounted at or below `folder`."""
    mounted = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for each in reversed(mounted):
        if Path(each).is_relative_to(folder):
            subprocess.run(["umount", "--lazy", each], check=False)


def _mount(*words: str) -> bool:
    return subprocess.run(["mount", *words], capture_output=True, check=False).returncode == 0
