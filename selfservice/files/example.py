"""The repository that a first start makes, so that the page shows something before anyone has credentials."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path

from selfservice.files.git import make_bare
from selfservice.files.git_commits import write_commit
from selfservice.files.repository import Author, NewCommit, Write
from selfservice.store import files

_FILES = Path(__file__).parent / "example"


def ensure_example(folder: Path) -> None:
    """Make the example repository at `folder`, whole or not at all; what is there stays as it is."""
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with files.locked(folder.parent / ".example.lock"):
        if folder.exists():
            return
        aside = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
        try:
            _make(aside)
            aside.rename(folder)
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def _make(folder: Path) -> None:
    names = sorted(path for path in _FILES.rglob("*") if path.is_file())
    changes = tuple(Write(path.relative_to(_FILES).as_posix(), path.read_bytes()) for path in names)
    author = Author("Selfservice", "selfservice@localhost")
    write_commit(make_bare(folder), NewCommit("main", "", changes, "Files to try things with\n", author))
