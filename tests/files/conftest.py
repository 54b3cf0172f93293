"""A repository of every kind, with the same first files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from selfservice.files.bitbucket_cloud import BitbucketCloud
from selfservice.files.bitbucket_data_center import BitbucketDataCenter
from selfservice.files.git import Git, make_bare
from selfservice.files.git_commits import write_commit
from selfservice.files.git_repository import GitRepository
from selfservice.files.models import RepositoryKind
from selfservice.files.registry import Plan
from selfservice.files.repository import Repository
from selfservice.files.rest import Manners
from selfservice.settings import Settings
from tests.files.cast import first_commit
from tests.files.office import ALICE, Office
from tests.standins import bitbucket_cloud, bitbucket_data_center
from tests.standins.server import StandIn, serving


@dataclass
class Kept:
    """A repository as this program sees it, and the real git repository behind it."""

    kind: str
    repository: Repository
    git: Git


@pytest.fixture
def git(tmp_path: Path) -> Git:
    """A bare repository with the first files."""
    made = make_bare(tmp_path / "instance" / "repositories" / "playbooks.git")
    write_commit(made, first_commit())
    return made


@pytest.fixture
def waited() -> list[float]:
    """The pauses that a client made, without any."""
    return []


@dataclass
class Remote:
    """A repository on a stand-in server."""

    repository: Repository
    state: bitbucket_cloud.CloudState | bitbucket_data_center.DataCenterState
    standin: StandIn


@pytest.fixture
def cloud(git: Git, waited: list[float]) -> Iterator[Remote]:
    """Bitbucket Cloud with that repository."""
    state = bitbucket_cloud.CloudState(git)
    with serving(bitbucket_cloud.make_app(state)) as standin:
        manners = Manners(sleep=waited.append)
        repository = BitbucketCloud(state.name, state.user, state.api_token, standin.url, manners)
        yield Remote(repository, state, standin)


@pytest.fixture
def data_center(git: Git, waited: list[float]) -> Iterator[Remote]:
    """Bitbucket Data Center with that repository."""
    state = bitbucket_data_center.DataCenterState(git)
    with serving(bitbucket_data_center.make_app(state)) as standin:
        name = f"{state.project}/{state.slug}"
        repository = BitbucketDataCenter(standin.url, name, state.token, Manners(sleep=waited.append))
        yield Remote(repository, state, standin)


@pytest.fixture(params=["local", "cloud", "data_center"])
def kept(request: pytest.FixtureRequest, git: Git) -> Kept:
    """Each kind in turn, on that repository."""
    if request.param == "local":
        return Kept("local", GitRepository(git.folder), git)
    return Kept(request.param, request.getfixturevalue(request.param).repository, git)


@pytest.fixture
def repository(kept: Kept) -> Repository:
    """The repository as this program sees it."""
    return kept.repository


@pytest.fixture
def local_office(settings: Settings, git: Git) -> Office:
    """A node that has the local repository."""
    made = Office(settings, git)
    made.registry.create(Plan("playbooks", "Playbooks", RepositoryKind.LOCAL, "playbooks.git"), ALICE)
    return made


@pytest.fixture(params=["local", "cloud", "data_center"])
def office(request: pytest.FixtureRequest, settings: Settings, git: Git) -> Office:
    """A node that has that repository, of each kind in turn."""
    if request.param == "local":
        made: Office = request.getfixturevalue("local_office")
        return made
    remote: Remote = request.getfixturevalue(request.param)
    made = Office(settings, git, request.param)
    state, url = remote.state, remote.standin.url
    if isinstance(state, bitbucket_cloud.CloudState):
        plan = Plan("playbooks", "Playbooks", RepositoryKind.CLOUD, state.name, url, "", state.access_token)
    else:
        location = f"{state.project}/{state.slug}"
        plan = Plan("playbooks", "Playbooks", RepositoryKind.DATA_CENTER, location, url, "", state.token)
    made.registry.create(plan, ALICE)
    return made
