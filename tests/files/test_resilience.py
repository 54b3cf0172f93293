"""Servers that are slow, down, full or wrong: what the clients do and what people are told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from selfservice.files.bitbucket_cloud import BitbucketCloud
from selfservice.files.bitbucket_data_center import BitbucketDataCenter
from selfservice.files.errors import (
    AnswerLost,
    BranchProtected,
    FilesError,
    MissingScope,
    RateLimited,
    RepositoryGone,
    ServerUnreachable,
    WrongToken,
)
from selfservice.files.git import Git, make_bare
from selfservice.files.git_commits import write_commit
from selfservice.files.repository import (
    EDIT_TRAILER,
    NewCommit,
    NewPullRequest,
    PullRequestState,
    Repository,
    Write,
    content,
)
from selfservice.files.rest import Manners
from tests.files.cast import ALICE, change, first_commit
from tests.files.conftest import Remote
from tests.standins import bitbucket_cloud
from tests.standins.server import Fault, serving

#: What a commit is sent to.
WRITE: dict[type, str] = {BitbucketCloud: "/src", BitbucketDataCenter: "/git-receive-pack"}


@pytest.fixture(params=["cloud", "data_center"])
def remote(request: pytest.FixtureRequest) -> Remote:
    return request.getfixturevalue(request.param)


def _new(repository: Repository) -> NewCommit:
    message = f"Mine\n\n{EDIT_TRAILER}: 7-1\n"
    return NewCommit("main", repository.branch("main").tip, (Write("site.yml", b"mine\n"),), message, ALICE)


def _writes(remote: Remote) -> list[str]:
    """Requests that change something; git fetches by POST, too."""
    return [each for each in remote.standin.faults.seen if each.startswith("POST") and "upload-pack" not in each]


def test_a_read_is_tried_again_and_waits_longer_each_time(remote: Remote, waited: list[float]) -> None:
    remote.standin.faults.ordered = [Fault("GET", "branches"), Fault("GET", "branches", "503 Service Unavailable")]
    assert remote.repository.branch("main").name == "main"
    assert waited == [0.5, 1.0]


def test_a_server_that_stays_down_is_said_to_be_down(remote: Remote) -> None:
    remote.standin.faults.ordered = [Fault("GET", "branches")] * 3
    with pytest.raises(ServerUnreachable, match="cannot be reached"):
        remote.repository.branch("main")


def test_a_short_limit_is_waited_for(remote: Remote, waited: list[float]) -> None:
    remote.standin.faults.ordered = [Fault("GET", "branches", "429 Too Many Requests", {"Retry-After": "3"})]
    assert remote.repository.branch("main").name == "main"
    assert waited == [3.0]


def test_a_long_limit_is_told_with_its_end(remote: Remote, waited: list[float]) -> None:
    limit = Fault("GET", "branches", "429 Too Many Requests", {"Retry-After": "900", "Content-Type": "text/plain"})
    remote.standin.faults.ordered = [limit]
    with pytest.raises(RateLimited, match="until") as refused:
        remote.repository.branch("main")
    assert refused.value.until is not None
    assert waited == []


def test_a_commit_whose_answer_was_lost_is_found_and_not_sent_again(remote: Remote) -> None:
    new = _new(remote.repository)
    remote.standin.faults.ordered = [Fault("POST", WRITE[remote.repository.__class__], done=True)]
    made = remote.repository.commit(new)
    assert remote.repository.branch("main").tip == made
    assert [commit.title for commit in remote.repository.history(made)] == ["Mine", "First files"]
    assert len(_writes(remote)) == 1


def test_a_commit_that_never_arrived_is_not_said_to_be_made(remote: Remote) -> None:
    new = _new(remote.repository)
    remote.standin.faults.ordered = [Fault("POST", WRITE[remote.repository.__class__])]
    with pytest.raises(AnswerLost):
        remote.repository.commit(new)
    assert remote.repository.branch("main").tip == new.expected
    assert len(_writes(remote)) == 1
    assert remote.repository.commit(new) == remote.repository.branch("main").tip


def test_a_merge_whose_answer_was_lost_is_looked_for(remote: Remote) -> None:
    repository = remote.repository
    repository.create_branch("topic", repository.branch("main").tip)
    change(repository, Write("site.yml", b"topic\n"), branch="topic")
    asked = repository.open_pull_request(NewPullRequest("topic", "main", "Title"))
    remote.standin.faults.ordered = [Fault("POST", "/merge", done=True)]
    assert repository.merge(asked.number, "Merge", ALICE).state is PullRequestState.MERGED


def test_a_wrong_token_is_told_and_shown_by_the_connection_test(remote: Remote) -> None:
    remote.state.token = remote.state.access_token = remote.state.api_token = "another"  # type: ignore[union-attr]
    with pytest.raises(WrongToken, match="wrong, revoked or expired"):
        remote.repository.branches()
    assert [(check.ok, "wrong, revoked" in check.sentence) for check in remote.repository.check()] == [(False, True)]


def test_a_missing_scope_is_named(cloud: Remote) -> None:
    cloud.state.scopes = ("repository",)  # type: ignore[union-attr]
    with pytest.raises(MissingScope, match="repository:write"):
        cloud.repository.create_branch("topic", cloud.repository.branch("main").tip)
    missing = [check.sentence for check in cloud.repository.check() if not check.ok]
    assert [sentence.rpartition(" ")[2] for sentence in missing] == ["pullrequest.", "repository:write."]


def test_a_right_that_is_missing_is_told(data_center: Remote) -> None:
    data_center.state.may_write = False  # type: ignore[union-attr]
    with pytest.raises(MissingScope, match="REPO_WRITE"):
        change(data_center.repository, Write("site.yml", b"x\n"))
    assert [check.ok for check in data_center.repository.check()] == [True, False]


def test_a_protected_branch_is_told(remote: Remote) -> None:
    remote.state.protected = {"main"}
    with pytest.raises(BranchProtected):
        change(remote.repository, Write("site.yml", b"x\n"))


def test_a_renamed_repository_is_told(cloud: Remote, data_center: Remote) -> None:
    gone: list[Callable[[], Repository]] = [
        lambda: BitbucketCloud("acme/gone", cloud.state.user, cloud.state.api_token, cloud.standin.url),  # type: ignore[union-attr]
        lambda: BitbucketDataCenter(data_center.standin.url, "OPS/gone", data_center.state.token),  # type: ignore[union-attr]
    ]
    for make in gone:
        with pytest.raises(RepositoryGone, match="renamed"):
            make().branches()


def test_a_server_that_nobody_runs_is_unreachable_also_for_a_commit() -> None:
    repository = BitbucketDataCenter("http://127.0.0.1:1", "OPS/x", "token", Manners(sleep=lambda _: None))
    with pytest.raises(ServerUnreachable) as refused:
        repository.create_branch("topic", "0" * 40)
    assert not isinstance(refused.value, AnswerLost)


def test_a_cloud_that_merges_slowly_is_waited_for(cloud: Remote, waited: list[float]) -> None:
    cloud.state.slow_merges = True  # type: ignore[union-attr]
    cloud.repository.create_branch("topic", cloud.repository.branch("main").tip)
    change(cloud.repository, Write("site.yml", b"topic\n"), branch="topic")
    asked = cloud.repository.open_pull_request(NewPullRequest("topic", "main", "Title"))
    assert cloud.repository.merge(asked.number, "Merge", ALICE).state is PullRequestState.MERGED
    assert waited == [0.5]


@pytest.mark.parametrize("deepest", [50, 3])
def test_a_large_tree_is_listed_whole_also_folder_by_folder(git_folder: str, deepest: int) -> None:
    paths = {f"d{number % 7}/" * (number % 5) + f"f{number}": b"x" for number in range(400)}
    deep = {"/".join("abcdefghijklmnopqrstuvwxyz"): b"deep"}
    made = make_bare_with({**paths, **deep}, git_folder)
    state = bitbucket_cloud.CloudState(made, deepest=deepest)
    with serving(bitbucket_cloud.make_app(state)) as standin:
        repository = BitbucketCloud(state.name, "", state.access_token, standin.url)
        listed = [entry.path for entry in repository.tree(repository.branch("main").tip)]
    assert listed == sorted({**paths, **deep})


def test_a_next_page_on_another_server_is_not_followed(cloud: Remote) -> None:
    page = b'{"values": [], "next": "http://127.0.0.9/steal"}'
    cloud.standin.faults.ordered = [Fault("GET", "/commits", "200 OK", {"Content-Type": "application/json"}, page)]
    with pytest.raises(FilesError, match="another server"):
        cloud.repository.history(cloud.repository.branch("main").tip)


def test_a_repository_without_a_commit_is_said_to_be_empty(tmp_path_factory: pytest.TempPathFactory) -> None:
    made = make_bare(tmp_path_factory.mktemp("empty") / "empty.git")
    state = bitbucket_cloud.CloudState(made)
    with serving(bitbucket_cloud.make_app(state)) as standin:
        assert BitbucketCloud(state.name, "", state.access_token, standin.url).branches() == ()


@pytest.fixture
def git_folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("large"))


def make_bare_with(files: dict[str, bytes], folder: str) -> Git:
    made = make_bare(Path(folder) / "large.git")
    write_commit(made, first_commit(files))
    return made


def test_what_is_in_a_file_is_read_through_a_cloud_with_an_access_token(cloud: Remote) -> None:
    state = cloud.state
    repository = BitbucketCloud(state.name, "", state.access_token, cloud.standin.url)  # type: ignore[union-attr]
    assert content(repository, repository.branch("main").tip, "no-newline", 100) == b"last line"


def test_the_page_of_a_proxy_is_not_read_out(remote: Remote) -> None:
    page = Fault("GET", "branches", "500 Internal Server Error", {"Content-Type": "text/html"}, b"<!doctype html>")
    remote.standin.faults.ordered = [page]
    with pytest.raises(FilesError, match=r"refused it \(500\): Internal Server Error"):
        remote.repository.branch("main")
