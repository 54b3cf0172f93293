"""A repository without any commit gets its first one, whatever kind it is of."""

from __future__ import annotations

import pytest

from selfservice.errors import Forbidden
from selfservice.files.delivery import person_of
from selfservice.files.edits import EditEnded
from selfservice.files.errors import BranchGone, PathRefused, ServerUnreachable
from selfservice.files.models import Edit
from selfservice.files.moved import BaseMoved
from selfservice.files.repository import NewCommit, Write
from tests.files import cast
from tests.files.conftest import Remote
from tests.files.office import ALICE, BOB, Office
from tests.standins.server import Fault


@pytest.fixture
def empty(office: Office) -> Office:
    """The same repository before anybody committed."""
    office.git.run("update-ref", "-d", "refs/heads/main")
    return office


def drafted(office: Office) -> Edit:
    edit = office.begin(ALICE, "")
    office.edits.add(edit, "site.yml", b"- hosts: all\n")
    office.edits.add(edit, "group_vars/all.yml", b"a: 1\n")
    return edit


def test_it_is_empty_and_says_so(empty: Office) -> None:
    assert empty.repository.branches() == ()
    assert [check.sentence for check in empty.repository.check() if not check.ok] == []
    with pytest.raises(BranchGone):
        empty.begin(ALICE, "site.yml")


def test_the_first_commit_makes_the_main_branch_and_ends_the_edit(empty: Office) -> None:
    edit = drafted(empty)
    assert [change.kind for change in empty.edits.changes(edit)] == ["new", "new"]
    commit = empty.commit(edit, ALICE)
    assert empty.repository.branch("main").tip == commit
    assert empty.repository.branch("main").is_default
    [made] = empty.repository.history(commit)
    assert (made.title, made.parents) == ("Change", ())
    assert (empty.read("site.yml"), empty.read("group_vars/all.yml")) == (b"- hosts: all\n", b"a: 1\n")
    with pytest.raises(EditEnded):
        empty.edits.unfinished(ALICE, edit.id)
    assert empty.begin(BOB).branch.startswith("selfservice/bob/")


def test_it_needs_the_right_to_merge_and_the_drafts_stay(empty: Office) -> None:
    edit = drafted(empty)
    with pytest.raises(Forbidden, match="file:merge"):
        empty.delivery.commit(edit, "Mine", ALICE, person_of(ALICE), may_merge=False)
    assert empty.repository.branches() == ()
    assert len(empty.edits.changes(edit)) == 2


def test_starting_twice_goes_on_and_discarding_touches_no_branch(empty: Office) -> None:
    edit = drafted(empty)
    assert empty.begin(ALICE, "").id == edit.id
    with pytest.raises(PathRefused):
        empty.edits.add(edit, "SITE.yml", b"")
    empty.delivery.discard(edit, ALICE)
    assert empty.edits.mine(ALICE) == []


def test_somebody_who_was_faster_is_not_overwritten(empty: Office) -> None:
    edit = drafted(empty)
    theirs = empty.repository.commit(NewCommit("main", "", (Write("site.yml", b"theirs\n"),), "First", cast.BOB))
    with pytest.raises(BaseMoved, match="first commit"):
        empty.commit(edit, ALICE)
    base, [side] = empty.delivery.contested(edit)
    assert (base.tip, side.before, side.theirs, side.mine) == (theirs, None, b"theirs\n", b"- hosts: all\n")
    fresh = empty.delivery.take_over(edit, base.tip, {"site.yml": b"both\n"}, ALICE)
    empty.commit(fresh, ALICE)
    empty.merge(fresh, ALICE)
    assert (empty.read("site.yml"), empty.read("group_vars/all.yml")) == (b"both\n", b"a: 1\n")


@pytest.mark.parametrize("done", [True, False])
def test_a_first_commit_whose_answer_never_came_is_made_once(
    empty: Office, request: pytest.FixtureRequest, done: bool
) -> None:
    edit = drafted(empty)
    if empty.kind != "local":
        remote: Remote = request.getfixturevalue(empty.kind)
        write, look = {"cloud": ("/src", "branches"), "data_center": ("/git-receive-pack", "/info/refs")}[empty.kind]
        remote.standin.faults.ordered = [Fault("POST", write, done=done), *[Fault("GET", look)] * 3]
        with pytest.raises(ServerUnreachable):
            empty.commit(edit, ALICE)
        assert remote.standin.faults.ordered == []
    commit = empty.commit(edit, ALICE)
    assert [each.title for each in empty.repository.history(commit)] == ["Change"]
    assert empty.edits.get(edit.id, ALICE).state == "merged"
