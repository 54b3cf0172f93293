"""Commits in a bare repository, made without a working copy: a tree, a commit, then the branch moves."""

from __future__ import annotations

import tempfile
from pathlib import Path

from selfservice.files.errors import BranchMoved, FileGone, NothingChanged
from selfservice.files.git import Git, GitFailed
from selfservice.files.repository import Author, Delete, NewCommit

NOTHING = "0" * 40
_MODES = ("100644", "100755", "120000")


def write_commit(git: Git, new: NewCommit) -> str:
    """The id of the commit. Raises BranchMoved, FileGone or NothingChanged; then the branch stands as before."""
    tree = _tree(git, new)
    if new.expected and tree == git.text("rev-parse", f"{new.expected}^{{tree}}"):
        raise NothingChanged(f"The files are the same as in the latest commit of {new.branch}; nothing to commit.")
    parents = (new.expected,) if new.expected else ()
    commit = commit_tree(git, tree, parents, new.message, new.author)
    move_branch(git, new.branch, commit, new.expected)
    return commit


def commit_tree(git: Git, tree: str, parents: tuple[str, ...], message: str, author: Author) -> str:
    """A commit that no branch knows yet."""
    words = [word for parent in parents for word in ("-p", parent)]
    who = {
        "GIT_AUTHOR_NAME": author.name,
        "GIT_AUTHOR_EMAIL": author.email,
        "GIT_COMMITTER_NAME": author.name,
        "GIT_COMMITTER_EMAIL": author.email,
    }
    return git.text("commit-tree", tree, *words, "-F", "-", stdin=message.encode(), environment=who)


def move_branch(git: Git, name: str, commit: str, expected: str) -> None:
    """Let the branch stand at `commit`, if it stands at `expected` (nowhere, where that is empty)."""
    try:
        git.run("update-ref", f"refs/heads/{name}", commit, expected or NOTHING)
    except GitFailed as error:
        raise BranchMoved(
            f"{name} has changed since it was looked at, so nothing was committed. Look at what changed first."
        ) from error


def _tree(git: Git, new: NewCommit) -> str:
    with tempfile.TemporaryDirectory(prefix="selfservice-index-") as folder:
        environment = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        modes: dict[str, str] = {}
        if new.expected:
            git.run("read-tree", new.expected, environment=environment)
            modes = _modes(git, new)
        lines = []
        for change in new.changes:
            if isinstance(change, Delete):
                if change.path not in modes:
                    raise FileGone(f"{change.path} is not in {new.branch}, so it cannot be deleted.")
                lines.append(f"0 {NOTHING}\t{change.path}")
            else:
                blob = git.text("hash-object", "-w", "--no-filters", "--stdin", stdin=change.content)
                lines.append(f"{modes.get(change.path, _MODES[0])} {blob}\t{change.path}")
        stdin = "".join(f"{line}\0" for line in lines).encode()
        git.run("update-index", "-z", "--add", "--index-info", stdin=stdin, environment=environment)
        # What is not changed need not be here: a clone to push from holds no contents.
        return git.text("write-tree", "--missing-ok", environment=environment)


def _modes(git: Git, new: NewCommit) -> dict[str, str]:
    """The modes of the files that are there: an executable stays one."""
    listed = git.run("ls-tree", "-z", new.expected, "--", *(change.path for change in new.changes))
    modes = {}
    for line in listed.decode().split("\0")[:-1]:
        about, _, path = line.partition("\t")
        modes[path] = about.split()[0]
    return modes
