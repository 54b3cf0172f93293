"""Repositories that an administrator registers; their tokens are never seen again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from selfservice.errors import BadInput, ChangedMeanwhile
from selfservice.files.errors import FilesError
from selfservice.files.models import RepositoryKind
from selfservice.files.registry import NoSuchRecord, Plan
from tests.files.conftest import Remote
from tests.files.office import ALICE, Office

CLOUD = Plan("cloud", "Cloud", RepositoryKind.CLOUD, "acme/playbooks", token="ATCTT-secret")


def test_the_token_is_sealed_on_disk_and_kept_out_of_the_journal(local_office: Office) -> None:
    local_office.registry.create(CLOUD, ALICE)
    local_office.database.close()
    kept = [path for path in local_office.settings.home.rglob("*") if path.is_file()]
    assert not [path for path in kept if b"ATCTT-secret" in path.read_bytes()]


def test_a_change_without_a_token_keeps_it_unless_the_server_is_another(local_office: Office) -> None:
    registry = local_office.registry
    made = registry.create(CLOUD, ALICE)
    changed = registry.change("cloud", replace(CLOUD, title="Other", token=""), made.version, ALICE)
    assert (changed.title, changed.sealed_token) == ("Other", made.sealed_token)
    moved = replace(CLOUD, kind=RepositoryKind.DATA_CENTER, address="https://evil.example.org", token="")
    with pytest.raises(BadInput) as refused:
        registry.change("cloud", moved, changed.version, ALICE)
    assert refused.value.field == "token"


def test_two_administrators_do_not_overwrite_each_other(local_office: Office) -> None:
    made = local_office.registry.create(CLOUD, ALICE)
    local_office.registry.change("cloud", replace(CLOUD, title="Of the other"), made.version, ALICE)
    with pytest.raises(ChangedMeanwhile, match=r"it is now: title: Of the other\. Save again"):
        local_office.registry.change("cloud", CLOUD, made.version, ALICE)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (replace(CLOUD, name="Up Case"), "name"),
        (replace(CLOUD, name="playbooks"), "name"),
        (replace(CLOUD, title=" "), "title"),
        (replace(CLOUD, location="acme"), "location"),
        (replace(CLOUD, location="acme/../../x"), "location"),
        (replace(CLOUD, token=""), "token"),
        (replace(CLOUD, kind=RepositoryKind.DATA_CENTER), "address"),
        (replace(CLOUD, kind=RepositoryKind.DATA_CENTER, address="http://bitbucket.example.org"), "address"),
        (replace(CLOUD, kind=RepositoryKind.DATA_CENTER, address="https://u:p@example.org"), "address"),
        (replace(CLOUD, kind=RepositoryKind.LOCAL, location="../../etc"), "location"),
    ],
)
def test_what_cannot_be_is_told_beside_its_field(local_office: Office, wrong: Plan, field: str) -> None:
    with pytest.raises(BadInput) as refused:
        local_office.registry.create(wrong, ALICE)
    assert refused.value.field == field


def test_a_new_local_repository_is_made_empty(local_office: Office) -> None:
    local_office.registry.create(Plan("new", "New", RepositoryKind.LOCAL, "new.git"), ALICE)
    checks = local_office.registry.check("new", ALICE)
    assert [(check.ok, "no commit yet" in check.sentence) for check in checks] == [(True, True)]


def test_a_key_that_was_replaced_is_told(local_office: Office) -> None:
    local_office.registry.create(CLOUD, ALICE)
    (local_office.settings.instance / "repository_key").unlink()
    local_office.open()
    with pytest.raises(FilesError, match="Give it again"):
        local_office.registry.open(local_office.registry.get("cloud"))


def test_a_forgotten_repository_stays_on_disk(local_office: Office) -> None:
    local_office.begin(ALICE)
    local_office.registry.remove("playbooks", ALICE)
    with pytest.raises(NoSuchRecord):
        local_office.registry.get("playbooks")
    assert local_office.edits.mine(ALICE) == []
    assert (local_office.git.folder / "HEAD").exists()


def test_the_example_is_there_at_the_first_start_and_never_comes_back(local_office: Office) -> None:
    registry = local_office.registry
    registry.remove("playbooks", ALICE)
    registry.ensure_example(ALICE)
    assert [record.name for record in registry.all()] == ["example"]
    registry.remove("example", ALICE)
    registry.ensure_example(ALICE)
    assert registry.all() == []


def test_the_list_of_files_of_a_commit_is_asked_for_once(cloud: Remote, local_office: Office) -> None:
    plan = replace(CLOUD, address=cloud.standin.url, token=cloud.state.access_token)  # type: ignore[union-attr]
    record = local_office.registry.create(plan, ALICE)
    tip = cloud.repository.branch("main").tip
    first = local_office.registry.tree(record, tip)
    seen = len(cloud.standin.faults.seen)
    local_office.open()
    assert local_office.registry.tree(local_office.registry.get("cloud"), tip) == first
    assert len(cloud.standin.faults.seen) == seen
