"""Pull requests of a local repository: one JSON file each, beside its objects."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

from selfservice.errors import NotFound
from selfservice.files import git_commits
from selfservice.files.errors import FilesError, MergeConflict
from selfservice.files.git import Git
from selfservice.files.repository import Author, Branch, NewPullRequest, PullRequest, PullRequestState
from selfservice.store import files

SCHEMA = 1


class GitPullRequests:
    """The pull requests of one bare repository."""

    def __init__(self, git: Git) -> None:
        """Keep them in a folder of the repository itself."""
        self._git = git
        self._folder = git.folder / "pull-requests"

    def open(self, new: NewPullRequest) -> PullRequest:
        """A new one, or the one that is open already between these branches."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        with files.locked(self._folder / ".lock"):
            known = [self._read(path) for path in self._folder.glob("[0-9]*.json")]
            for each in known:
                if (each.source, each.target, each.state) == (new.source, new.target, PullRequestState.OPEN):
                    return each
            number = max((each.number for each in known), default=0) + 1
            made = PullRequest(
                number,
                new.title,
                new.source,
                new.target,
                PullRequestState.OPEN,
                description=new.description,
                reviewers=new.reviewers,
            )
            self._write(made)
        return made

    def get(self, number: int) -> PullRequest:
        """One pull request. Raises NotFound."""
        path = self._path(number)
        if not path.is_file():
            raise NotFound(f"There is no pull request {number} in this repository.")
        return self._read(path)

    def decline(self, asked: PullRequest) -> None:
        """Close it, where it is open."""
        if asked.state is PullRequestState.OPEN:
            self._write(replace(asked, state=PullRequestState.DECLINED))

    def merge(self, asked: PullRequest, source: Branch, target: Branch, message: str, author: Author) -> PullRequest:
        """Merge it. Raises MergeConflict, BranchMoved, or FilesError where it is not open."""
        if asked.state is not PullRequestState.OPEN:
            raise FilesError(f"Pull request {asked.number} is {asked.state} already.")
        if not self._git.outcome("merge-base", "--is-ancestor", source.tip, target.tip)[0]:
            # It broke off between the branch and this record: the branch is the truth.
            return self._keep_merged(asked, target.tip)
        code, output, error = self._git.outcome("merge-tree", "--write-tree", "--name-only", target.tip, source.tip)
        lines = output.decode("utf-8", "replace").splitlines()
        if code:
            names = [line for line in lines[1 : lines.index("")] if line] if "" in lines else []
            files_named = ", ".join(names) or error.strip()
            raise MergeConflict(f"{source.name} and {target.name} both changed the same lines of {files_named}.")
        commit = git_commits.commit_tree(self._git, lines[0], (target.tip, source.tip), message, author)
        git_commits.move_branch(self._git, target.name, commit, target.tip)
        return self._keep_merged(asked, commit)

    def _keep_merged(self, asked: PullRequest, commit: str) -> PullRequest:
        merged = replace(asked, state=PullRequestState.MERGED, merge_commit=commit)
        self._write(merged)
        return merged

    def _path(self, number: int) -> Path:
        return self._folder / f"{number}.json"

    def _read(self, path: Path) -> PullRequest:
        value = files.read_json(path)
        names = ("number", "title", "source", "target", "url", "merge_commit", "description")
        return PullRequest(
            **{name: value[name] for name in names},
            state=PullRequestState(value["state"]),
            reviewers=tuple(value["reviewers"]),
        )

    def _write(self, pull_request: PullRequest) -> None:
        files.write_json(self._path(pull_request.number), {"schema": SCHEMA, **asdict(pull_request)})
