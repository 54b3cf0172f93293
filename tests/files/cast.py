"""The people and the first files of the tests of repositories."""

from __future__ import annotations

from selfservice.files.repository import Author, Change, NewCommit, Repository, Write

ALICE = Author("Alice", "alice@example.org")
BOB = Author("Bob", "bob@example.org")
FIRST = {
    "site.yml": b"- hosts: web\n",
    "roles/web/tasks/main.yml": b"- debug:\n",
    "latin.txt": "Grüße\r\n".encode("latin-1"),
    "no-newline": b"last line",
    "name with spaces & ünïcode#.txt": b"odd\n",
}


def first_commit(files: dict[str, bytes] | None = None) -> NewCommit:
    """What every repository of the tests begins with."""
    changes = tuple(Write(path, content) for path, content in (FIRST if files is None else files).items())
    return NewCommit("main", "", changes, "First files\n", ALICE)


def change(
    repository: Repository, *changes: Change, branch: str = "main", message: str = "Change", by: Author = ALICE
) -> str:
    """Commit on top of whatever the branch stands at."""
    return repository.commit(NewCommit(branch, repository.branch(branch).tip, changes, message, by))
