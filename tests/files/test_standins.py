"""The stand-ins answer somebody else's client, too: they were not made to fit ours alone."""

from __future__ import annotations

import pytest
import requests
from atlassian import Bitbucket
from atlassian.bitbucket import Cloud

from tests.files.cast import FIRST
from tests.files.conftest import Remote

#: Otherwise this client says that it sends JSON.
_MULTIPART = {"Accept": "application/json"}


@pytest.fixture
def foreign_cloud(cloud: Remote) -> Cloud:
    return Cloud(url=cloud.standin.url, username=cloud.state.user, password=cloud.state.api_token)


@pytest.fixture
def foreign_data_center(data_center: Remote) -> Bitbucket:
    return Bitbucket(url=data_center.standin.url, token=data_center.state.token)


def test_cloud_shows_branches_and_files(foreign_cloud: Cloud) -> None:
    repository = foreign_cloud.repositories.get("acme", "playbooks")
    main = repository.branches.get("main")
    assert [each.name for each in repository.branches.each()] == ["main"]
    assert repository.get_source_file(main.hash, "site.yml") == FIRST["site.yml"]
    listed = repository.get_source_directory(main.hash)
    assert "site.yml" in {each["path"] for each in listed["values"]}


def test_cloud_takes_a_branch_a_commit_and_a_pull_request(foreign_cloud: Cloud, cloud: Remote) -> None:
    repository = foreign_cloud.repositories.get("acme", "playbooks")
    tip = repository.branches.get("main").hash
    assert repository.branches.create("feature/one", tip).name == "feature/one"
    sent = {"message": "By another client", "branch": "feature/one", "parents": tip}
    repository.post("src", data=sent, files={"site.yml": ("site.yml", b"- hosts: db\n")}, headers=_MULTIPART)
    changed = repository.branches.get("feature/one").hash
    assert repository.get_source_file(changed, "site.yml") == b"- hosts: db\n"
    asked = repository.pullrequests.create("Title", "feature/one", "main")
    asked.merge()
    assert repository.pullrequests.get(asked.id).is_merged
    merged = cloud.repository.history(repository.branches.get("main").hash)
    assert "By another client" in {commit.title for commit in merged}


def test_cloud_refuses_a_stale_parent(foreign_cloud: Cloud) -> None:
    repository = foreign_cloud.repositories.get("acme", "playbooks")
    tip = repository.branches.get("main").hash
    sent = {"message": "One", "branch": "main", "parents": tip}
    repository.post("src", data=sent, files={"a": ("a", b"1")}, headers=_MULTIPART)
    with pytest.raises(requests.HTTPError) as refused:
        repository.post("src", data=sent, files={"a": ("a", b"2")}, headers=_MULTIPART)
    assert refused.value.response.status_code == 409


def test_data_center_shows_branches_files_and_commits(foreign_data_center: Bitbucket) -> None:
    assert [each["displayId"] for each in foreign_data_center.get_branches("OPS", "playbooks")] == ["main"]
    assert sorted(foreign_data_center.get_file_list("OPS", "playbooks", query="main")) == sorted(FIRST)
    assert foreign_data_center.get_content_of_file("OPS", "playbooks", "site.yml", at="main") == FIRST["site.yml"]
    assert [each["message"] for each in foreign_data_center.get_commits("OPS", "playbooks")] == ["First files"]


def test_data_center_takes_a_branch_an_edit_and_a_pull_request(foreign_data_center: Bitbucket) -> None:
    client = foreign_data_center
    tip = client.get_default_branch("OPS", "playbooks")["latestCommit"]
    client.create_branch("OPS", "playbooks", "feature/one", tip)
    made = client.update_file("OPS", "playbooks", "- hosts: db\n", "Edit", "feature/one", "site.yml", tip)
    client.upload_file("OPS", "playbooks", "new\n", "New", "feature/one", "new.yml")
    assert made["parents"][0]["id"] == tip
    asked = client.open_pull_request(
        "OPS", "playbooks", "OPS", "playbooks", "refs/heads/feature/one", "refs/heads/main", "Title", "Why"
    )
    merged = client.merge_pull_request("OPS", "playbooks", asked["id"], "Merge", pr_version=asked["version"])
    assert merged["state"] == "MERGED"
    assert client.get_content_of_file("OPS", "playbooks", "new.yml", at="main") == b"new\n"
    client.delete_branch("OPS", "playbooks", "feature/one")
    assert [each["displayId"] for each in client.get_branches("OPS", "playbooks")] == ["main"]


def test_data_center_refuses_an_edit_of_what_changed_meanwhile(foreign_data_center: Bitbucket) -> None:
    client = foreign_data_center
    tip = client.get_default_branch("OPS", "playbooks")["latestCommit"]
    client.update_file("OPS", "playbooks", "one\n", "One", "main", "site.yml", tip)
    with pytest.raises(requests.HTTPError) as refused:
        client.update_file("OPS", "playbooks", "two\n", "Two", "main", "site.yml", tip)
    assert refused.value.response.status_code == 409
