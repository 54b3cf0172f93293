"""Commits of a Data Center go by git: several files at once, guarded, and the token is seen nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from selfservice.files.bitbucket_data_center import BitbucketDataCenter
from selfservice.files.errors import BranchMoved, BranchProtected, MissingScope, WrongToken
from selfservice.files.git_remote import GitRemote
from selfservice.files.repository import NewCommit, Write
from tests.files.cast import ALICE, BOB, change
from tests.files.conftest import Remote
from tests.standins.bitbucket_data_center import DataCenterState
from tests.standins.server import Fault

TWO = (Write("a", b"1"), Write("b/c", b"2"))


@pytest.fixture
def state(data_center: Remote) -> DataCenterState:
    assert isinstance(data_center.state, DataCenterState)
    return data_center.state


def new(data_center: Remote, branch: str = "main") -> NewCommit:
    return NewCommit(branch, data_center.repository.branch(branch).tip, TWO, "Both", ALICE)


def test_several_files_are_one_commit_in_the_name_of_the_person(data_center: Remote) -> None:
    made = data_center.repository.commit(new(data_center))
    [latest, first] = data_center.repository.history(made)
    assert (latest.title, latest.author, latest.parents) == ("Both", ALICE, (first.id,))


def test_the_token_is_in_no_argument_and_no_environment(data_center: Remote, state: DataCenterState) -> None:
    seen: dict[str, bytes] = {}

    def look() -> None:
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if b"git" in (words := (process / "cmdline").read_bytes()):
                    seen[process.name] = words + (process / "environ").read_bytes()
            except OSError:  # gone meanwhile
                continue

    state.while_git_waits = look
    data_center.repository.commit(new(data_center))
    assert any(b"push" in each for each in seen.values())
    assert [each for each in seen.values() if state.token.encode() in each] == []


def test_a_push_that_comes_second_writes_nothing(data_center: Remote, state: DataCenterState) -> None:
    mine, asked = new(data_center), []

    def somebody_is_faster() -> None:
        """After the fetch, before the push."""
        asked.append("")
        if len(asked) == 3:
            change(state.repository, Write("a", b"theirs"), by=BOB)

    state.while_git_waits = somebody_is_faster
    with pytest.raises(BranchMoved):
        data_center.repository.commit(mine)
    assert state.repository.history(state.repository.branch("main").tip, limit=1)[0].author == BOB


def test_a_branch_that_only_pull_requests_change_says_what_the_server_said(
    data_center: Remote, state: DataCenterState
) -> None:
    state.protected = {"main"}
    with pytest.raises(BranchProtected, match="can only be modified through pull requests"):
        data_center.repository.commit(new(data_center))


def test_a_wrong_token_and_a_missing_right_are_told_apart(data_center: Remote, state: DataCenterState) -> None:
    where = f"{data_center.standin.url}/scm/ops/playbooks.git"
    with pytest.raises(WrongToken):
        GitRemote(where, "another").commit(new(data_center))
    state.may_write = False
    with pytest.raises(MissingScope):
        GitRemote(where, state.token).commit(new(data_center))


def test_a_fetch_is_tried_again(data_center: Remote, waited: list[float]) -> None:
    mine = new(data_center)
    data_center.standin.faults.ordered = [Fault("GET", "/info/refs"), Fault("GET", "/info/refs", "503 Busy")]
    assert data_center.repository.commit(mine) == data_center.repository.branch("main").tip
    assert waited == [0.5, 1.0]


@pytest.mark.parametrize("token", ["a\nb", 'quo"te\\'])
def test_a_token_adds_nothing_to_the_configuration(data_center: Remote, token: str) -> None:
    repository = BitbucketDataCenter(data_center.standin.url, "OPS/playbooks", token)
    with pytest.raises(Exception, match=r"cannot be sent|wrong, revoked"):
        repository.commit(new(data_center))
