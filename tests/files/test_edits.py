"""Edits from the first letter to the merged change, over every kind of repository."""

from __future__ import annotations

import pytest

from selfservice.errors import BadInput, Forbidden
from selfservice.files.edits import DraftChanged, EditEnded, EditNotFound
from selfservice.files.errors import BranchGone, FileGone, NothingChanged, PathRefused, ServerUnreachable
from selfservice.files.models import Edit
from selfservice.files.moved import BaseMoved
from selfservice.files.repository import PullRequest, PullRequestState, Write
from tests.files import cast
from tests.files.cast import FIRST
from tests.files.conftest import Remote
from tests.files.office import ALICE, BOB, CHARLIE, Office
from tests.standins.server import Fault

NEW = b"- hosts: all\n"


def test_an_edit_gets_a_branch_of_its_own_from_the_tip(office: Office) -> None:
    edit = office.begin(ALICE)
    assert edit.branch.startswith("selfservice/alice/site-yml-")
    assert office.repository.branch(edit.branch).tip == office.repository.branch("main").tip


def test_starting_twice_goes_on_with_the_same_edit(office: Office) -> None:
    assert office.begin(ALICE).id == office.begin(ALICE).id
    assert office.begin(BOB).id != office.begin(ALICE).id


def test_from_draft_to_merge_and_the_branch_is_gone(office: Office) -> None:
    edit = office.begin(ALICE)
    office.edits.keep(edit, "site.yml", NEW)
    commit = office.commit(edit, ALICE, "All hosts\r\n\r\nBecause.")
    assert office.read("site.yml") == FIRST["site.yml"]
    assert office.repository.history(commit, limit=1)[0].message.startswith(
        "All hosts\n\nBecause.\n\nSelfservice-Edit:"
    )
    office.merge(edit, ALICE)
    assert office.read("site.yml") == NEW
    with pytest.raises(BranchGone):
        office.repository.branch(edit.branch)
    with pytest.raises(EditEnded):
        office.edits.unfinished(ALICE, edit.id)


def test_several_files_new_renamed_and_deleted_go_together(office: Office) -> None:
    edit = office.begin(ALICE)
    office.edits.keep(edit, "site.yml", NEW)
    office.edits.add(edit, "new/file.txt", b"new\n")
    office.edits.rename(edit, "no-newline", "renamed")
    office.edits.remove(edit, "latin.txt")
    office.commit(edit, ALICE)
    office.merge(edit, ALICE)
    tip = office.repository.branch("main").tip
    gone = {"latin.txt", "no-newline"}
    assert {each.path for each in office.repository.tree(tip)} == ({*FIRST} - gone) | {"new/file.txt", "renamed"}
    assert office.read("renamed") == FIRST["no-newline"]


def test_a_draft_survives_a_restart(office: Office) -> None:
    edit = office.begin(ALICE)
    office.edits.keep(edit, "site.yml", NEW)
    office.open()
    assert [(each.id, office.edits.changes(each)[0].after) for each in office.edits.mine(ALICE)] == [(edit.id, NEW)]


def test_nobody_sees_the_edits_of_others(office: Office) -> None:
    edit = office.begin(ALICE)
    assert office.edits.mine(CHARLIE) == []
    with pytest.raises(EditNotFound):
        office.edits.get(edit.id, CHARLIE)


def test_two_windows_do_not_overwrite_each_other(office: Office) -> None:
    edit = office.begin(ALICE)
    version = office.edits.changes(edit)[0].version
    office.edits.keep(edit, "site.yml", b"one\n", version)
    with pytest.raises(DraftChanged):
        office.edits.keep(edit, "site.yml", b"two\n", version)
    assert office.edits.changes(edit)[0].after == b"one\n"


def test_nothing_is_committed_blindly_over_what_others_did(office: Office) -> None:
    edit = office.begin(ALICE)
    office.edits.keep(edit, "site.yml", b"mine\n")
    office.change(BOB, "site.yml", b"theirs\n")
    with pytest.raises(BaseMoved, match=r"site\.yml"):
        office.commit(edit, ALICE)
    _, sides = office.delivery.contested(edit)
    assert [(each.before, each.theirs, each.mine) for each in sides] == [(FIRST["site.yml"], b"theirs\n", b"mine\n")]
    assert sides[0].merged.conflicts == 1


def test_what_others_did_is_taken_over_and_both_changes_stay(office: Office) -> None:
    office.change(BOB, "site.yml", b"1\n2\n3\n4\n5\n6\n")
    edit = office.begin(ALICE)
    office.edits.keep(edit, "site.yml", b"one\n2\n3\n4\n5\n6\n")
    office.commit(edit, ALICE, "Earlier")
    office.change(BOB, "site.yml", b"1\n2\n3\n4\n5\nsix\n")
    with pytest.raises(BaseMoved):
        office.merge(edit, ALICE)
    base, sides = office.delivery.contested(edit)
    assert sides[0].merged.conflicts == 0
    fresh = office.delivery.take_over(edit, base.tip, {"site.yml": sides[0].merged.content}, ALICE)
    assert fresh.branch != edit.branch
    office.commit(fresh, ALICE)
    office.merge(fresh, ALICE)
    assert office.read("site.yml") == b"one\n2\n3\n4\n5\nsix\n"


def test_what_moved_on_after_it_was_looked_at_is_shown_again(office: Office) -> None:
    edit = office.begin(ALICE)
    office.edits.keep(edit, "site.yml", b"mine\n")
    office.change(BOB, "site.yml", b"theirs\n")
    seen, _ = office.delivery.contested(edit)
    office.change(BOB, "site.yml", b"theirs again\n")
    with pytest.raises(BaseMoved, match="once more"):
        office.delivery.take_over(edit, seen.tip, {"site.yml": b"mine\n"}, ALICE)


def test_a_contested_file_must_be_decided_and_without_marks(office: Office) -> None:
    edit = office.begin(ALICE)
    office.edits.keep(edit, "site.yml", b"mine\n")
    office.change(BOB, "site.yml", b"theirs\n")
    seen, sides = office.delivery.contested(edit)
    with pytest.raises(BaseMoved, match="Decide"):
        office.delivery.take_over(edit, seen.tip, {}, ALICE)
    with pytest.raises(BadInput, match="<<<<<<<"):
        office.delivery.take_over(edit, seen.tip, {"site.yml": sides[0].merged.content}, ALICE)


def test_other_files_that_moved_do_not_stand_in_the_way(office: Office) -> None:
    edit = office.begin(ALICE)
    office.edits.keep(edit, "site.yml", NEW)
    office.change(BOB, "latin.txt", b"elsewhere\n")
    office.commit(edit, ALICE)
    office.merge(edit, ALICE)
    assert (office.read("site.yml"), office.read("latin.txt")) == (NEW, b"elsewhere\n")


def test_a_pull_request_is_opened_and_merged_elsewhere_is_noticed(office: Office) -> None:
    edit = office.begin(ALICE)
    office.edits.keep(edit, "site.yml", NEW)
    office.commit(edit, ALICE)
    edit = office.edits.get(edit.id, ALICE)
    asked = office.delivery.open_pull_request(edit, "Title", "Why", (), ALICE)
    edit = office.edits.get(edit.id, ALICE)
    assert (edit.state, office.delivery.look(edit, ALICE).state) == ("requested", "requested")
    office.repository.merge(asked.number, "Merged elsewhere", cast.BOB)
    assert office.delivery.look(edit, ALICE).state == "merged"


def test_without_a_commit_there_is_no_pull_request(office: Office) -> None:
    edit = office.begin(ALICE)
    with pytest.raises(NothingChanged):
        office.delivery.open_pull_request(edit, "Title", "", (), ALICE)
    with pytest.raises(NothingChanged):
        office.commit(edit, ALICE)


def test_discarding_removes_the_branch_and_ends_the_edit(office: Office) -> None:
    edit = office.begin(ALICE)
    office.delivery.discard(edit, ALICE)
    assert office.edits.mine(ALICE) == []
    assert [branch.name for branch in office.repository.branches()] == ["main"]


def test_abandoned_branches_are_found_and_cleaned_by_whom_they_belong_to(office: Office) -> None:
    tip = office.repository.branch("main").tip
    office.begin(ALICE)
    office.repository.create_branch("selfservice/alice/lost-1", tip)
    record = office.registry.get("playbooks")
    assert [branch.name for branch in office.delivery.abandoned(record)] == ["selfservice/alice/lost-1"]
    with pytest.raises(Forbidden):
        office.delivery.clean(record, "selfservice/alice/lost-1", BOB, any_owner=False)
    with pytest.raises(BranchGone):
        office.delivery.clean(record, "main", ALICE, any_owner=True)
    office.delivery.clean(record, "selfservice/alice/lost-1", ALICE, any_owner=False)
    assert office.delivery.abandoned(record) == []


def test_a_branch_that_somebody_removed_is_begun_anew(office: Office) -> None:
    edit = office.begin(ALICE)
    office.edits.keep(edit, "site.yml", NEW)
    office.repository.delete_branch(edit.branch)
    with pytest.raises(BranchGone):
        office.commit(edit, ALICE)
    fresh = office.delivery.take_over(edit, office.repository.branch("main").tip, {}, ALICE)
    office.commit(fresh, ALICE)
    assert office.read("site.yml", fresh.branch) == NEW


def test_new_paths_are_checked_against_what_is_there(office: Office) -> None:
    edit = office.begin(ALICE)
    for path in ("site.yml", "SITE.yml", "../x", "roles"):
        with pytest.raises(PathRefused):
            office.edits.add(edit, path, b"x")
    with pytest.raises(FileGone):
        office.begin(ALICE, "missing.yml")


def test_leaving_a_file_out_after_its_commit_writes_it_back(office: Office) -> None:
    edit = office.begin(ALICE)
    office.edits.keep(edit, "site.yml", NEW)
    office.commit(edit, ALICE)
    edit = office.edits.get(edit.id, ALICE)
    office.edits.leave_out(edit, "site.yml")
    office.commit(edit, ALICE)
    assert office.read("site.yml", edit.branch) == FIRST["site.yml"]


@pytest.mark.parametrize("done", [True, False])
def test_a_commit_whose_answer_never_came_is_made_exactly_once(
    office: Office, request: pytest.FixtureRequest, done: bool
) -> None:
    edit = office.begin(ALICE)
    office.edits.keep(edit, "site.yml", NEW)
    if office.kind != "local":
        remote: Remote = request.getfixturevalue(office.kind)
        write, look = {"cloud": ("/src", "branches"), "data_center": ("/git-receive-pack", "/info/refs")}[office.kind]
        # Neither the answer comes nor the look for it gets through.
        remote.standin.faults.ordered = [Fault("POST", write, done=done), *[Fault("GET", look)] * 3]
        with pytest.raises(ServerUnreachable, match=r"reached|broke off"):
            office.commit(edit, ALICE)
        assert remote.standin.faults.ordered == []
    office.open()
    commit = office.commit(edit, ALICE)
    titles = [each.title for each in office.repository.history(commit)]
    assert titles == ["Change", "First files"]


def test_everything_is_in_the_history_with_repository_branch_path_and_commit(office: Office) -> None:
    office.change(ALICE, "site.yml", NEW)
    edit = office.begin(BOB, "latin.txt")
    office.delivery.discard(edit, BOB)
    found = [
        entry
        for entry in office.actions()
        if entry.kind.partition(":")[0] in ("branch", "file", "pull-request", "edit")
    ]
    assert [entry.kind for entry in found] == [
        "branch:create",
        "file:commit",
        "pull-request:open",
        "pull-request:merge",
        "branch:create",
        "edit:discard",
    ]
    assert all(entry.detail["repository"] == "playbooks" and entry.detail["branch"] for entry in found)
    assert all(len(entry.detail["commit"]) in (12, 40) for entry in found)
    assert [entry.detail["path"] for entry in found] == ["site.yml"] * 4 + ["latin.txt"] * 2


def test_a_commit_of_somebody_else_on_the_temporary_branch_is_not_overwritten(office: Office) -> None:
    edit = office.begin(ALICE)
    office.edits.keep(edit, "site.yml", NEW)
    theirs = cast.change(office.repository, Write("site.yml", b"bob was here\n"), branch=edit.branch, by=cast.BOB)
    with pytest.raises(Exception, match="Somebody else has committed"):
        office.commit(edit, ALICE)
    assert office.repository.branch(edit.branch).tip == theirs


def requested(office: Office) -> tuple[Edit, PullRequest]:
    """An edit of Alice's with an open pull request."""
    edit = office.begin(ALICE)
    office.edits.keep(edit, "site.yml", NEW)
    office.commit(edit, ALICE)
    asked = office.delivery.open_pull_request(office.edits.get(edit.id, ALICE), "Title", "Why", ("{charlie}",), ALICE)
    return office.edits.get(edit.id, ALICE), asked


def test_a_pull_request_goes_on_after_what_others_did_was_taken_over(office: Office) -> None:
    edit, first = requested(office)
    office.change(BOB, "site.yml", b"theirs\n")
    base, _ = office.delivery.contested(edit)
    fresh = office.delivery.take_over(edit, base.tip, {"site.yml": b"both\n"}, ALICE)
    assert (fresh.state, fresh.pull_request) == ("open", first.number)
    assert office.repository.pull_request(first.number).state is PullRequestState.DECLINED
    office.commit(fresh, ALICE)
    fresh = office.edits.get(edit.id, ALICE)
    assert fresh.state == "requested"
    assert fresh.pull_request is not None
    again = office.repository.pull_request(fresh.pull_request)
    assert (again.title, again.source, again.reviewers) == ("Title", fresh.branch, ("{charlie}",))
    assert again.description == f"Why\n\nGoes on from pull request {first.number}."
    assert again.number != first.number
    office.merge(fresh, ALICE)
    assert office.read("site.yml") == b"both\n"


def test_a_pull_request_that_was_declined_is_not_opened_again_by_itself(office: Office) -> None:
    edit, asked = requested(office)
    office.repository.decline(asked.number)
    office.repository.decline(asked.number)
    seen = office.delivery.look(edit, ALICE)
    assert (seen.state, seen.pull_request) == ("open", None)
    office.edits.keep(seen, "site.yml", b"more\n")
    office.commit(seen, ALICE)
    assert office.edits.get(edit.id, ALICE).state == "open"
    office.merge(seen, ALICE)
    assert office.read("site.yml") == b"more\n"


def test_discarding_closes_the_pull_request(office: Office) -> None:
    edit, asked = requested(office)
    office.delivery.discard(edit, ALICE)
    assert office.repository.pull_request(asked.number).state is PullRequestState.DECLINED
