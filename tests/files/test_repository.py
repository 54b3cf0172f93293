"""What every kind of repository does alike."""

from __future__ import annotations

from dataclasses import replace

import pytest

from selfservice.errors import BadInput
from selfservice.files.errors import (
    BranchExists,
    BranchGone,
    BranchMoved,
    BranchProtected,
    CommitGone,
    FileGone,
    FilesError,
    FileTooLarge,
    MergeConflict,
    NothingChanged,
)
from selfservice.files.git import Git
from selfservice.files.repository import (
    EDIT_TRAILER,
    Delete,
    EntryKind,
    NewCommit,
    NewPullRequest,
    PullRequestState,
    Repository,
    Write,
    content,
    find_commit,
    last_change,
)
from tests.files.cast import ALICE, BOB, FIRST, change
from tests.files.conftest import Kept


def _tip(repository: Repository, name: str = "main") -> str:
    return repository.branch(name).tip


def test_the_first_files_are_listed_and_read_byte_for_byte(repository: Repository) -> None:
    tip = _tip(repository)
    assert [entry.path for entry in repository.tree(tip)] == sorted(FIRST)
    assert {path: content(repository, tip, path, 1000) for path in FIRST} == FIRST


def test_the_main_branch_is_known(repository: Repository) -> None:
    assert [(branch.name, branch.is_default) for branch in repository.branches()] == [("main", True)]


def test_a_branch_with_slashes_is_made_committed_to_and_removed(repository: Repository) -> None:
    tip = _tip(repository)
    repository.create_branch("selfservice/alice/site.yml-1a2b", tip)
    commit = change(repository, Write("site.yml", b"- hosts: all\n"), branch="selfservice/alice/site.yml-1a2b")
    assert _tip(repository, "selfservice/alice/site.yml-1a2b") == commit
    assert content(repository, commit, "site.yml", 100) == b"- hosts: all\n"
    assert _tip(repository) == tip
    repository.delete_branch("selfservice/alice/site.yml-1a2b")
    repository.delete_branch("selfservice/alice/site.yml-1a2b")
    with pytest.raises(BranchGone):
        repository.branch("selfservice/alice/site.yml-1a2b")


def test_a_branch_is_not_made_twice(repository: Repository) -> None:
    repository.create_branch("twice", _tip(repository))
    with pytest.raises(BranchExists):
        repository.create_branch("twice", _tip(repository))


def test_the_main_branch_is_never_removed(repository: Repository) -> None:
    with pytest.raises(BranchProtected):
        repository.delete_branch("main")


def test_a_commit_on_a_branch_that_moved_writes_nothing(repository: Repository) -> None:
    before = _tip(repository)
    theirs = change(repository, Write("site.yml", b"theirs\n"), by=BOB)
    with pytest.raises(BranchMoved):
        repository.commit(NewCommit("main", before, (Write("site.yml", b"mine\n"),), "Mine", ALICE))
    assert _tip(repository) == theirs


def test_a_commit_that_changes_nothing_is_refused(repository: Repository) -> None:
    before = _tip(repository)
    with pytest.raises(NothingChanged):
        change(repository, Write("site.yml", FIRST["site.yml"]))
    assert _tip(repository) == before


def test_line_ends_and_encodings_are_kept(repository: Repository) -> None:
    odd = {"latin.txt": b"Gr\xfc\xdfe\r\nmehr\r\n", "no-newline": b"no end", "new/binary": bytes(range(256))}
    for path, written in odd.items():
        commit = change(repository, Write(path, written))
        assert content(repository, commit, path, 1000) == written


def test_several_files_are_written_renamed_and_deleted_at_once(repository: Repository) -> None:
    before = _tip(repository)
    commit = change(
        repository,
        Delete("no-newline"),
        Write("renamed", FIRST["no-newline"]),
        Write("site.yml", b"new\n"),
    )
    assert {entry.path for entry in repository.tree(commit)} == ({*FIRST} - {"no-newline"}) | {"renamed"}
    assert repository.history(commit, limit=1)[0].parents == (before,)


def test_history_is_newest_first_and_follows_one_path(repository: Repository) -> None:
    change(repository, Write("site.yml", b"two\n"), message="Second")
    change(repository, Write("latin.txt", b"other\n"), message="Elsewhere")
    tip = change(repository, Write("site.yml", b"three\n"), message="Third <script>")
    assert [commit.title for commit in repository.history(tip, "site.yml")] == [
        "Third <script>",
        "Second",
        "First files",
    ]
    assert [commit.title for commit in repository.history(tip, limit=2)] == ["Third <script>", "Elsewhere"]
    assert [commit.title for commit in repository.history(tip, skip=2, limit=1)] == ["Second"]
    found = last_change(repository, tip, "latin.txt")
    assert found is not None
    assert found.title == "Elsewhere"


def test_an_executable_file_stays_one(kept: Kept) -> None:
    blob = kept.git.text("hash-object", "-w", "--stdin", stdin=b"#!/bin/sh\n")
    plant(kept.git, f"100755 blob {blob}\trun.sh")
    commit = change(kept.repository, Write("run.sh", b"#!/bin/sh\necho\n"))
    assert kept.git.text("ls-tree", commit, "run.sh").startswith("100755")


def test_a_link_is_never_followed(kept: Kept) -> None:
    blob = kept.git.text("hash-object", "-w", "--stdin", stdin=b"/etc/passwd")
    tip = plant(kept.git, f"120000 blob {blob}\tlink")
    assert content(kept.repository, tip, "link", 100) == b"/etc/passwd"
    if kept.kind != "data_center":  # its list of files does not say what is a link
        assert {entry.kind for entry in kept.repository.tree(tip) if entry.path == "link"} == {EntryKind.LINK}


def test_what_is_not_there_is_said_so(repository: Repository) -> None:
    tip = _tip(repository)
    with pytest.raises(FileGone):
        content(repository, tip, "missing.yml", 100)
    with pytest.raises(FileGone):
        content(repository, tip, "roles", 100)
    with pytest.raises(CommitGone):
        repository.tree("0123456789" * 4)
    with pytest.raises(BranchGone):
        repository.branch("missing")


@pytest.mark.parametrize("commit", ["main", "", "../../other/src/main", "HEAD~1", "--output=x", "A" * 40, "a" * 39])
def test_what_is_not_the_id_of_a_commit_goes_nowhere(repository: Repository, commit: str) -> None:
    for ask in (lambda: content(repository, commit, "site.yml", 9), lambda: repository.history(commit)):
        with pytest.raises(CommitGone):
            ask()


def test_a_file_that_is_too_large_is_not_read_whole(repository: Repository) -> None:
    commit = change(repository, Write("large", b"x" * 300_000))
    with pytest.raises(FileTooLarge):
        content(repository, commit, "large", 100_000)


def test_paths_that_lead_out_are_refused(repository: Repository) -> None:
    for path in ("../x", "/x", ".git/config", "a\\b"):
        with pytest.raises(BadInput):
            content(repository, _tip(repository), path, 100)
        with pytest.raises(BadInput):
            change(repository, Write(path, b"x"))


def test_a_pull_request_is_opened_once_and_merged(repository: Repository) -> None:
    repository.create_branch("topic", _tip(repository))
    change(repository, Write("site.yml", b"topic\n"), branch="topic")
    theirs = change(repository, Write("latin.txt", b"main\n"), by=BOB)
    new = NewPullRequest("topic", "main", "A <b>title</b>", "Why")
    opened = repository.open_pull_request(new)
    assert repository.open_pull_request(new).number == opened.number
    merged = repository.merge(opened.number, "Merge it", ALICE)
    assert (merged.state, repository.pull_request(opened.number).state) == (PullRequestState.MERGED,) * 2
    tip = _tip(repository)
    assert content(repository, tip, "site.yml", 100) == b"topic\n"
    assert content(repository, tip, "latin.txt", 100) == b"main\n"
    assert theirs in {commit.id for commit in repository.history(tip)}


def test_branches_that_contradict_each_other_are_not_merged(repository: Repository) -> None:
    repository.create_branch("topic", _tip(repository))
    change(repository, Write("site.yml", b"topic\n"), branch="topic")
    theirs = change(repository, Write("site.yml", b"main\n"), by=BOB)
    opened = repository.open_pull_request(NewPullRequest("topic", "main", "Title"))
    with pytest.raises(MergeConflict):
        repository.merge(opened.number, "Merge it", ALICE)
    assert _tip(repository) == theirs


def test_a_merged_pull_request_is_not_merged_again(repository: Repository) -> None:
    repository.create_branch("topic", _tip(repository))
    change(repository, Write("site.yml", b"topic\n"), branch="topic")
    opened = repository.open_pull_request(NewPullRequest("topic", "main", "Title"))
    repository.merge(opened.number, "Merge it", ALICE)
    tip = _tip(repository)
    with pytest.raises(FilesError):
        repository.merge(opened.number, "Merge it", ALICE)
    assert _tip(repository) == tip


def test_a_commit_is_found_by_its_trailer(repository: Repository) -> None:
    new = NewCommit("main", _tip(repository), (Write("site.yml", b"new\n"),), f"Text\n\n{EDIT_TRAILER}: 1-1\n", ALICE)
    assert find_commit(repository, new) is None
    made = repository.commit(new)
    change(repository, Write("latin.txt", b"later\n"), by=BOB)
    assert find_commit(repository, new) == made
    assert find_commit(repository, replace(new, message=f"{EDIT_TRAILER}: 1-2")) is None


def test_the_connection_test_says_that_all_is_well(repository: Repository) -> None:
    assert [check.sentence for check in repository.check() if not check.ok] == []


def plant(git: Git, line: str) -> str:
    """Add a line of `ls-tree` to the main branch; the new tip."""
    tree = git.text("mktree", stdin=f"{git.text('ls-tree', 'main')}\n{line}\n".encode())
    who = {f"GIT_{role}_{what}": "x@y" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    commit = git.text("commit-tree", tree, "-p", git.text("rev-parse", "main"), "-m", "Planted", environment=who)
    git.run("update-ref", "refs/heads/main", commit)
    return commit
