"""A bare git repository on this node, behind the same interface as Bitbucket."""

from __future__ import annotations

from pathlib import Path

from selfservice.files import git_commits
from selfservice.files.errors import (
    BranchExists,
    BranchGone,
    BranchMoved,
    BranchProtected,
    CommitGone,
    FileGone,
    RepositoryGone,
)
from selfservice.files.git import Git, GitFailed
from selfservice.files.git_pull_requests import GitPullRequests
from selfservice.files.paths import checked, checked_branch, checked_commit
from selfservice.files.repository import (
    Author,
    Branch,
    Check,
    Commit,
    Entry,
    EntryKind,
    NewCommit,
    NewPullRequest,
    PullRequest,
    Stream,
)

_KINDS = {"120000": EntryKind.LINK, "160000": EntryKind.SUBMODULE, "100755": EntryKind.EXECUTABLE}
_FIELDS = "%H%x00%an%x00%ae%x00%aI%x00%P%x00%B"


class GitRepository:
    """A local bare repository; its pull requests are kept beside its objects."""

    def __init__(self, folder: Path) -> None:
        """Look into the bare repository `folder`."""
        self._git = Git(folder)
        self._pull_requests = GitPullRequests(self._git)

    def check(self) -> tuple[Check, ...]:
        """Whether the folder is a repository."""
        try:
            found = len(self.branches())
        except (RepositoryGone, GitFailed) as error:
            return (Check("Repository", False, error.sentence),)
        said = f"{found} branches in {self._git.folder}." if found else "It has no commit yet."
        return (Check("Repository", True, said),)

    def branches(self) -> tuple[Branch, ...]:
        """Every branch, by name."""
        self._require()
        default = self._git.text("symbolic-ref", "HEAD").removeprefix("refs/heads/")
        lines = self._git.text("for-each-ref", "--format=%(objectname) %(refname)", "refs/heads/").splitlines()
        names = [(name.removeprefix("refs/heads/"), tip) for tip, _, name in (line.partition(" ") for line in lines)]
        return tuple(Branch(name, tip, name == default) for name, tip in sorted(names))

    def branch(self, name: str) -> Branch:
        """One branch. Raises BranchGone."""
        found = next((each for each in self.branches() if each.name == name), None)
        if found is None:
            raise BranchGone(f"There is no branch {name} in this repository.")
        return found

    def tree(self, commit: str) -> tuple[Entry, ...]:
        """Every file of a commit. Raises CommitGone."""
        self._require_commit(commit)
        lines = self._git.run("ls-tree", "-r", "-z", "--full-tree", commit).split(b"\0")[:-1]
        return tuple(sorted((_entry(line) for line in lines), key=lambda entry: entry.path))

    def open(self, commit: str, path: str) -> Stream:
        """A file's bytes. Raises FileGone."""
        self._require_commit(commit)
        listed = self._git.run("ls-tree", "-l", "-z", commit, "--", checked(path)).decode().split("\0")
        about = listed[0].partition("\t")[0].split()
        if len(about) != 4 or about[1] != "blob":
            raise FileGone(f"There is no file {path} at commit {commit[:12]}.")
        return Stream(self._git.stream("cat-file", "blob", about[2]), int(about[3]))

    def archive(self, commit: str) -> Stream:
        """All files of a commit as one zip. Raises CommitGone."""
        self._require_commit(commit)
        return Stream(self._git.stream("archive", "--format=zip", commit))

    def history(self, commit: str, path: str = "", *, skip: int = 0, limit: int = 30) -> tuple[Commit, ...]:
        """The commits that changed `path`, newest first."""
        self._require_commit(commit)
        where = ("--", checked(path)) if path else ()
        follow = ("--follow",) if path else ()
        words = (f"--skip={skip}", f"--max-count={limit}", f"--format={_FIELDS}", *follow)
        parts = self._git.run("log", "-z", *words, commit, *where).decode("utf-8", "replace").split("\0")
        return tuple(_commit(parts[start : start + 6]) for start in range(0, len(parts) - 5, 6))

    def create_branch(self, name: str, commit: str) -> Branch:
        """A branch from `commit`. Raises BranchExists."""
        self._require_commit(commit)
        try:
            git_commits.move_branch(self._git, checked_branch(name), commit, "")
        except BranchMoved as error:
            raise BranchExists(f"There is a branch {name} already, or one that {name} would have to be in.") from error
        return Branch(name, commit)

    def delete_branch(self, name: str) -> None:
        """Remove a branch, unless it is the one that everything starts from."""
        found = next((each for each in self.branches() if each.name == name), None)
        if found is None:
            return
        if found.is_default:
            raise BranchProtected(f"{name} is the main branch of this repository and cannot be removed.")
        self._git.run("update-ref", "-d", f"refs/heads/{name}", found.tip)

    def commit(self, new: NewCommit) -> str:
        """The id of the new commit. Raises BranchMoved or NothingChanged."""
        checked_branch(new.branch)
        for change in new.changes:
            checked(change.path)
        return git_commits.write_commit(self._git, new)

    def open_pull_request(self, new: NewPullRequest) -> PullRequest:
        """Open it, or give back the open one between these branches."""
        self.branch(new.source), self.branch(new.target)
        return self._pull_requests.open(new)

    def pull_request(self, number: int) -> PullRequest:
        """One pull request as it stands."""
        return self._pull_requests.get(number)

    def decline(self, number: int) -> None:
        """Close a pull request."""
        self._pull_requests.decline(self._pull_requests.get(number))

    def merge(self, number: int, message: str, author: Author) -> PullRequest:
        """Take the source into the target by a merge commit."""
        asked = self._pull_requests.get(number)
        source, target = self.branch(asked.source), self.branch(asked.target)
        return self._pull_requests.merge(asked, source, target, message, author)

    def commit_url(self, commit: str) -> str:
        """No page outside shows a local repository."""
        return ""

    def _require(self) -> None:
        if not (self._git.folder / "HEAD").is_file():
            raise RepositoryGone(f"{self._git.folder} is no bare git repository (any more).")

    def _require_commit(self, commit: str) -> None:
        self._require()
        if self._git.outcome("cat-file", "-e", f"{checked_commit(commit)}^{{commit}}")[0]:
            raise CommitGone(f"There is no commit {commit[:40]} in this repository.")


def _entry(line: bytes) -> Entry:
    about, _, path = line.partition(b"\t")
    # A name that is no text is shown with its bytes spelled out; `paths.checked` refuses to open it.
    return Entry(path.decode("utf-8", "backslashreplace"), _KINDS.get(about[:6].decode(), EntryKind.FILE))


def _commit(parts: list[str]) -> Commit:
    commit, name, email, time, parents, message = parts
    return Commit(commit, Author(name, email), time, message.strip("\n"), tuple(parents.split()))
