"""Repositories as sources of playbooks: a checkout a commit, the last good one in use, signed pushes."""

from __future__ import annotations

import hashlib
import hmac
import os
import time
from pathlib import Path

import pytest

from selfservice.errors import ApplicationError
from selfservice.files.checkouts import check_out, clean
from selfservice.files.git import Git
from selfservice.files.repository import Write
from selfservice.files.sources import NoSource, PushRefused, Sources, Use
from tests.files import cast
from tests.files.cast import FIRST
from tests.files.office import ALICE, Office
from tests.files.test_repository import plant


@pytest.fixture
def sources(office: Office) -> Sources:
    made = Sources(office.settings, office.database, office.journal, office.registry)
    made.mark(office.registry.get("playbooks"), Use("main"), ALICE)
    return made


def sync(office: Office, sources: Sources) -> tuple[str, str]:
    found = sources.sync(office.registry.get("playbooks"), ALICE)
    return found.commit, found.trouble


def test_a_synced_commit_is_a_read_only_folder_with_its_files(office: Office, sources: Sources) -> None:
    commit, trouble = sync(office, sources)
    assert (commit, trouble) == (office.repository.branch("main").tip, "")
    [(_, _, folder)] = sources.in_use()
    assert folder.name == commit
    assert {path: (folder / path).read_bytes() for path in FIRST} == FIRST
    assert all(path.stat().st_mode & 0o222 == 0 for path in [folder, *folder.rglob("*")])


def test_a_commit_with_a_mistake_leaves_the_last_good_one_in_use(office: Office, sources: Sources) -> None:
    good, _ = sync(office, sources)
    cast.change(office.repository, Write("site.yml", b"a: [1\n"))
    for _ in range(2):
        assert sync(office, sources) == (
            good,
            "site.yml: Line 2, column 1: did not find expected ',' or ']'.",
        )
    assert [folder.name for _, _, folder in sources.in_use()] == [good]
    mended = cast.change(office.repository, Write("site.yml", b"a: [1]\n"))
    assert sync(office, sources) == (mended, "")


def test_a_sync_leaves_the_files_of_earlier_commits_alone(office: Office, sources: Sources) -> None:
    sync(office, sources)
    [(_, _, before)] = sources.in_use()
    cast.change(office.repository, Write("site.yml", b"- hosts: all\n"))
    sync(office, sources)
    [(_, _, after)] = sources.in_use()
    assert (before / "site.yml").read_bytes() == FIRST["site.yml"]
    assert (after / "site.yml").read_bytes() == b"- hosts: all\n"


@pytest.mark.parametrize("leads_to", ["/etc/passwd", "../outside", "roles/../../x"])
def test_a_link_that_leads_out_keeps_a_commit_from_being_used(office: Office, sources: Sources, leads_to: str) -> None:
    blob = office.git.text("hash-object", "-w", "--stdin", stdin=leads_to.encode())
    plant(office.git, f"120000 blob {blob}\tlink")
    commit, trouble = sync(office, sources)
    assert (commit, "leads out of the repository" in trouble) == ("", True)
    assert sources.in_use() == []


def test_a_link_inside_is_kept(office: Office, sources: Sources) -> None:
    blob = office.git.text("hash-object", "-w", "--stdin", stdin=b"roles/web/tasks/main.yml")
    plant(office.git, f"120000 blob {blob}\tlink.yml")
    assert sync(office, sources)[1] == ""
    [(_, _, folder)] = sources.in_use()
    assert (folder / "link.yml").read_bytes() == FIRST["roles/web/tasks/main.yml"]


def test_a_checkout_that_was_deleted_is_made_again(office: Office, sources: Sources) -> None:
    sync(office, sources)
    [(_, _, folder)] = sources.in_use()
    folder.rename(folder.with_name("gone"))
    assert sources.in_use() == []
    sync(office, sources)
    assert len(sources.in_use()) == 1


def test_only_a_fresh_push_with_the_right_signature_is_believed(local_office: Office) -> None:
    sources = Sources(local_office.settings, local_office.database, local_office.journal, local_office.registry)
    record = local_office.registry.get("playbooks")
    with pytest.raises(NoSource):
        sources.believe(record, b"{}", "", "1")
    secret = sources.mark(record, Use("main"), ALICE)
    signature = "sha256=" + hmac.new(secret.encode(), b"{}", hashlib.sha256).hexdigest()
    for body, signed, delivery in (
        (b"{ }", signature, "1"),
        (b"{}", "sha256=00", "1"),
        (b"{}", "", "1"),
        (b"{}", signature, ""),
    ):
        with pytest.raises(PushRefused):
            sources.believe(record, body, signed, delivery)
    sources.believe(record, b"{}", signature, "1")
    with pytest.raises(PushRefused, match="told before"):
        sources.believe(record, b"{}", signature, "1")


def test_a_branch_that_is_not_there_makes_no_source(local_office: Office) -> None:
    sources = Sources(local_office.settings, local_office.database, local_office.journal, local_office.registry)
    with pytest.raises(ApplicationError):
        sources.mark(local_office.registry.get("playbooks"), Use("missing"), ALICE)
    assert sources.find(local_office.registry.get("playbooks")) is None


def test_checking_out_the_same_commit_again_changes_nothing(local_office: Office, git: Git, tmp_path: Path) -> None:
    tip = local_office.repository.branch("main").tip
    folder = tmp_path / "checkouts"
    assert check_out(local_office.repository, tip, folder) == check_out(local_office.repository, tip, folder)
    assert [path.name for path in folder.iterdir()] == [tip]


def test_commits_that_are_long_out_of_use_are_removed_with_their_hosts(tmp_path: Path) -> None:
    old = time.time() - 8 * 24 * 3600
    commits = [f"{number:040x}" for number in range(15)]
    for age, commit in enumerate(reversed(commits)):
        (tmp_path / commit).mkdir()
        (tmp_path / f"{commit}-12345678.json").touch()
        for path in tmp_path.glob(f"{commit}*"):
            os.utime(path, (old - age, old - age))
    clean(tmp_path, {commits[1]})
    gone = {commits[0], *commits[2:5]}
    assert {path.name[:40] for path in tmp_path.iterdir()} == set(commits) - gone
    assert len(list(tmp_path.iterdir())) == 2 * len(set(commits) - gone)
