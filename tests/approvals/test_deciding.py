"""Who decides, who does not, and that exactly what was previewed runs."""

from __future__ import annotations

import pytest

from selfservice.approvals.errors import AskedAgain, NotYourTurn, PreviewNotReady, RequestEnded, RequestNotFound
from selfservice.approvals.models import Request, State
from selfservice.audit.history import History
from selfservice.audit.query import HistoryQuery
from selfservice.errors import ApplicationError, BadInput, Forbidden
from selfservice.runs import handover
from selfservice.runs.run import State as RunState
from selfservice.runs.run import Status
from tests.approvals.conftest import ROOT, Office
from tests.records import database_url  # noqa: F401  # on both databases


@pytest.fixture
def asked(office: Office) -> Request:
    """What alice asks for, previewed."""
    made = office.ask(text="Good day.", password="canary-7261")
    office.end_preview(made.id)
    return made


def test_what_runs_is_exactly_what_was_previewed(office: Office, asked: Request) -> None:
    office.approve(asked.id, "bob")
    [run] = office.launched()
    preview, _ = office.runs.get(asked.present.preview or "")
    assert run.request.variables == preview.request.variables == {"path": "/tmp/note", "text": "Good day."}
    assert run.request.host_names == preview.request.host_names == ("master",)
    assert run.request.content == preview.request.content != ""
    assert handover.take(office.settings, run.id) == {"password": "canary-7261"}
    found = office.get(asked.id)
    assert (found.state, found.run_id, run.actor.name, run.approval) == ("launched", run.id, "alice", str(asked.id))


def test_nobody_approves_their_own_request_not_even_by_a_token(office: Office, asked: Request) -> None:
    office.accounts.tokens.create("ci", office.person("alice"), "launch", ROOT)
    token = office.accounts.tokens.find("alice/ci")
    assert token is not None
    for person in (office.person("alice"), token):
        with pytest.raises(NotYourTurn, match="own request"):
            office.approvals.deciding.approve(asked.id, 1, "", office.actor(person.name), person)
    assert office.launched() == []


def test_an_administrator_who_asks_waits_as_well(office: Office) -> None:
    made = office.ask(name="admin")
    office.end_preview(made.id)
    with pytest.raises(NotYourTurn, match="own request"):
        office.approve(made.id, "admin")


def test_who_changed_it_does_not_approve_it(office: Office) -> None:
    asked = office.ask()
    office.change(asked.id, "bob", text="Other.")
    office.end_preview(asked.id)
    with pytest.raises(NotYourTurn, match="changed this request last"):
        office.approve(asked.id, "bob")
    office.approve(asked.id, "admin")
    assert [run.request.variables["text"] for run in office.launched()] == ["Other."]


def test_steps_come_one_after_another_each_by_its_own_people(office: Office) -> None:
    asked = office.ask("two_steps")
    office.end_preview(asked.id)
    with pytest.raises(NotYourTurn, match="This step is for bob"):
        office.approve(asked.id, "carol")
    office.approve(asked.id, "bob")
    assert office.launched() == []
    with pytest.raises(NotYourTurn, match="approved it already"):
        office.approve(asked.id, "bob")
    office.approve(asked.id, "carol")
    assert len(office.launched()) == 1


def test_an_administrator_does_not_stand_in_for_the_people_a_step_names(office: Office) -> None:
    asked = office.ask("two_steps")
    office.end_preview(asked.id)
    with pytest.raises(NotYourTurn, match="This step is for bob"):
        office.approve(asked.id, "admin")


def test_whom_an_operation_is_not_for_does_not_know_of_its_requests(office: Office, asked: Request) -> None:
    with pytest.raises(RequestNotFound):
        office.approve(asked.id, "charlie")
    with pytest.raises(RequestNotFound):
        office.approvals.reading.get(asked.id, office.person("charlie"))


def test_nobody_approves_before_the_preview_is_done(office: Office) -> None:
    with pytest.raises(PreviewNotReady):
        office.approve(office.ask().id, "bob")


@pytest.mark.parametrize("file", ["roles/write_note/tasks/main.yml", "write_note.yml", "roles/new/tasks/main.yml"])
def test_a_changed_playbook_is_asked_again(office: Office, asked: Request, file: str) -> None:
    path = office.playbooks.folder / file
    office.playbooks.write(file, f"{path.read_text() if path.exists() else ''}# one more line\n")
    with pytest.raises(AskedAgain, match="has changed since the preview"):
        office.approve(asked.id, "bob")
    found = office.get(asked.id)
    assert (found.state, found.revision, found.votes, found.present.by) == ("waiting", 2, [], "alice")
    assert found.present.preview != asked.present.preview
    office.end_preview(asked.id)
    office.approve(asked.id, "bob")
    assert len(office.launched()) == 1


def test_another_playbook_that_changes_is_no_reason_to_ask_again(office: Office, asked: Request) -> None:
    office.playbooks.write("unrelated.yml", "- hosts: all\n  tasks: []\n")
    office.approve(asked.id, "bob")
    assert len(office.launched()) == 1


def test_hosts_that_became_others_are_asked_again(office: Office, asked: Request) -> None:
    hosts = office.settings.inventory / "hosts.yml"
    hosts.write_text(hosts.read_text().replace("connection: local", "connection: ssh"))
    with pytest.raises(AskedAgain, match="inventory says something else"):
        office.approve(asked.id, "bob")


def test_a_playbook_that_changes_between_approval_and_execution_does_not_run(office: Office, asked: Request) -> None:
    from selfservice.runs.process import RunProcess

    office.approve(asked.id, "bob")
    [run] = office.launched()
    office.playbooks.write("roles/write_note/tasks/main.yml", "- ansible.builtin.command: reboot\n")
    folder = office.runs.folder(run.id)
    RunProcess(office.settings, folder).execute()
    assert folder.status().state is RunState.FAILED
    assert "has changed since this run was asked for" in folder.status().why


def test_a_rejection_needs_a_reason_and_ends_it(office: Office, asked: Request) -> None:
    with pytest.raises(BadInput, match="Say why"):
        office.reject(asked.id, "bob", "  ")
    office.reject(asked.id, "bob", "Not on Fridays.")
    found = office.get(asked.id)
    assert (found.state, found.why) == ("rejected", "Not on Fridays.")
    with pytest.raises(RequestEnded):
        office.approve(asked.id, "bob")


def test_only_who_asked_withdraws(office: Office, asked: Request) -> None:
    deciding = office.approvals.deciding
    with pytest.raises(Forbidden):
        deciding.withdraw(asked.id, "", office.actor("bob"), office.person("bob"))
    deciding.withdraw(asked.id, "Not needed.", office.actor("alice"), office.person("alice"))
    assert office.get(asked.id).state == State.WITHDRAWN


def test_an_approved_one_that_waits_for_the_same_run_can_be_withdrawn_or_runs_later(office: Office) -> None:
    first, second = office.ask("two_steps"), office.ask("two_steps")
    for asked in (first, second):
        office.end_preview(asked.id)
        office.approve(asked.id, "bob")
        office.approve(asked.id, "carol")
    assert office.get(second.id).state == State.APPROVED
    assert "waits" in office.get(second.id).why
    [run] = office.launched()
    office.runs.folder(run.id).write_status(Status(RunState.SUCCESSFUL))
    office.time.tick()
    assert len(office.launched()) == 2
    assert office.get(second.id).state == State.LAUNCHED


def test_the_request_of_somebody_who_left_is_refused(office: Office, asked: Request) -> None:
    with office.database.session() as session:
        alice = office.person("alice")
        alice.active = False
        session.merge(alice)
    office.approve(asked.id, "bob")
    found = office.get(asked.id)
    assert (found.state, office.launched()) == ("refused", [])
    assert "no account" in found.why


def test_comments_are_one_text_of_people(office: Office, asked: Request) -> None:
    deciding = office.approvals.deciding
    deciding.comment(asked.id, "Why now?\nReally.", office.actor("bob"), office.person("bob"))
    assert [(each.by, each.text) for each in office.get(asked.id).comments] == [("bob", "Why now?\nReally.")]
    for bad in ("", "x" * 2001, "bell\a"):
        with pytest.raises(ApplicationError):
            deciding.comment(asked.id, bad, office.actor("bob"), office.person("bob"))


def test_everything_is_in_the_audit(office: Office, asked: Request) -> None:
    office.approvals.deciding.comment(asked.id, "Why?", office.actor("bob"), office.person("bob"))
    office.change(asked.id, "alice", text="New.")
    office.end_preview(asked.id)
    office.approve(asked.id, "bob")
    history = History(office.settings.audit, office.settings.instance / "cache")
    kinds = [entry.kind for entry in reversed(list(history.search(HistoryQuery(limit=100)).entries))]
    asked_kinds = [kind for kind in kinds if kind.startswith(("request:", "run:"))]
    assert asked_kinds == [
        "request:ask", "run:launch", "request:comment", "request:change", "run:launch", "request:approve", "run:launch",
    ]  # fmt: skip
