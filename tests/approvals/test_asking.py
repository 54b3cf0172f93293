"""An operation that needs approval becomes a request with its preview, and runs in no other way."""

from __future__ import annotations

import pytest

from selfservice.approvals.difference import differences
from selfservice.approvals.errors import RequestEnded
from selfservice.approvals.models import State
from selfservice.errors import BadInput, ChangedMeanwhile, Forbidden
from selfservice.operations.operations import ApprovalNeeded, Order
from selfservice.runs.errors import KeyReused
from selfservice.runs.listing import RunQuery
from tests.approvals.conftest import Office
from tests.records import database_url, everything_in  # noqa: F401  # on both databases


def test_it_cannot_be_launched_directly(office: Office) -> None:
    order = Order("write_note", "master", {"path": "/tmp/note"})
    with pytest.raises(ApprovalNeeded, match="only after somebody else has approved"):
        office.operations.launch(order, office.actor("alice"), office.person("alice"))
    assert office.launched() == []


def test_a_request_has_its_preview_beside_it(office: Office) -> None:
    asked = office.ask(text="Good day.")
    preview, _ = office.runs.get(office.get(asked.id).present.preview or "")
    assert (preview.request.check, preview.request.variables) == (True, {"path": "/tmp/note", "text": "Good day."})
    assert (preview.actor.name, preview.approval) == ("alice", str(asked.id))
    assert office.launched() == []


def test_an_operation_without_a_preview_can_be_asked_for_too(office: Office) -> None:
    asked = office.approvals.asking.ask(Order("blind", "master"), office.actor("alice"), office.person("alice"))
    assert asked.present.preview is None
    office.approve(asked.id, "bob")
    assert [run.request.operation for run in office.launched()] == ["blind"]


def test_the_same_key_asks_once(office: Office) -> None:
    assert office.ask(key="k").id == office.ask(key="k").id
    assert office.ask(key="k", name="bob").id != office.ask(key="k").id
    with pytest.raises(KeyReused):
        office.ask(key="k", text="Other.")


def test_a_bad_value_is_refused_before_anybody_is_asked(office: Office) -> None:
    with pytest.raises(BadInput):
        office.ask(path=None)
    assert office.runs.list(RunQuery()).runs == ()


def test_a_changed_request_shows_old_and_new_and_begins_its_steps_again(office: Office) -> None:
    asked = office.ask("two_steps", text="Old.")
    office.end_preview(asked.id)
    office.approve(asked.id, "bob")
    assert office.get(asked.id).step_number == 1
    changed = office.change(asked.id, "carol", text="New.")
    old, new = changed.revisions
    assert [(each.name, each.old, each.new) for each in differences(old, new)] == [("text", "Old.", "New.")]
    assert (changed.revision, changed.step_number, changed.present.by) == (2, 0, "carol")
    assert new.preview != old.preview


def test_whoever_looked_at_the_version_before_is_told(office: Office) -> None:
    asked = office.ask()
    office.end_preview(asked.id)
    office.change(asked.id, "alice", text="New.")
    with pytest.raises(ChangedMeanwhile):
        office.approve(asked.id, "bob", revision=1)


def test_a_change_that_changes_nothing_is_refused(office: Office) -> None:
    with pytest.raises(BadInput, match="Nothing is different"):
        office.change(office.ask().id, "alice")


def test_only_the_asker_and_approvers_change_it(office: Office) -> None:
    asked = office.ask("two_steps")
    office.accounts.create_person("dave", "correct horse battery", office.actor("admin"))
    with pytest.raises(Forbidden):
        office.change(asked.id, "dave", text="Mine.")


def test_secret_values_are_sealed_kept_by_a_change_and_gone_in_the_end(office: Office) -> None:
    asked = office.ask(password="canary-7261")
    changed = office.change(asked.id, "alice", text="New.")
    assert changed.present.run_request.secret_names == ("password",)
    assert "canary-7261" not in everything_in(office.database)
    other = office.change(asked.id, "alice", text="New.", password="canary-9999")
    assert [each.new for each in differences(*other.revisions[-2:])] == ["a secret, another one"]
    office.reject(asked.id, "bob")
    assert {revision.sealed for revision in office.get(asked.id).revisions} == {""}


def test_what_was_decided_cannot_be_changed(office: Office) -> None:
    asked = office.ask()
    office.reject(asked.id, "bob")
    assert office.get(asked.id).state == State.REJECTED
    with pytest.raises(RequestEnded):
        office.change(asked.id, "alice", text="New.")
