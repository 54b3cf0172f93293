"""What becomes of requests by the clock, and after a process was killed at any instant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from selfservice.approvals.models import State
from selfservice.errors import Unavailable
from selfservice.runs.runs import Runs
from tests.approvals.conftest import Office


class Killed(BaseException):
    """Stands for kill -9: nothing catches it, nothing after it happens."""


def killed(*_arguments: Any, **_named: Any) -> None:
    """Die here."""
    raise Killed


def in_hours(hours: float) -> datetime:
    return datetime.now(UTC) + timedelta(hours=hours)


def test_approvers_are_told_once_the_preview_is_there_and_reminded(office: Office) -> None:
    asked = office.ask("two_steps")
    office.time.tick()
    assert office.told.said == []
    office.end_preview(asked.id)
    for hours in (0, 1, 6, 6.1, 12):
        office.time.tick(in_hours(hours))
    waiting = ("waiting", asked.id, ("bob",))
    assert office.told.said == [(*waiting, 0), (*waiting, 1), (*waiting, 2)]


def test_the_next_step_is_told_to_its_people(office: Office) -> None:
    asked = office.ask("two_steps")
    office.end_preview(asked.id)
    office.time.tick()
    office.approve(asked.id, "bob")
    office.time.tick()
    assert office.told.said[-1] == ("waiting", asked.id, ("admin", "carol"), 0)


def test_the_end_is_told_once(office: Office) -> None:
    asked = office.ask()
    office.reject(asked.id, "bob")
    office.time.tick()
    office.time.tick()
    assert office.told.said == [("decided", asked.id, "rejected")]


def test_what_nobody_decides_expires(office: Office) -> None:
    asked = office.ask("two_steps")
    office.end_preview(asked.id)
    office.time.tick(in_hours(49))
    assert office.get(asked.id).state == State.EXPIRED
    assert office.launched() == []


def test_killed_before_the_preview_was_launched_it_is_launched_after(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(Runs, "launch", killed)
        office.ask()
    [asked] = office.approvals.reading.waiting_for(office.person("bob"))
    office.time.tick()
    office.time.tick()
    preview, _ = office.runs.get(asked.present.preview or "")
    assert preview.request.check
    assert office.runs.counts()["queued"] == 1


@pytest.mark.parametrize("where", ["before", "hidden", "after"])
def test_killed_while_it_is_launched_it_runs_once(office: Office, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    asked = office.ask()
    office.end_preview(asked.id)
    launch = Runs.launch

    def launched_then_killed(runs: Runs, *arguments: Any) -> None:
        launch(runs, *arguments)
        raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        if where == "hidden":
            patched.setattr("selfservice.runs.folder.RunFolder.publish", killed)
        else:
            patched.setattr(Runs, "launch", killed if where == "before" else launched_then_killed)
        office.approve(asked.id, "bob")
    assert office.get(asked.id).state == State.APPROVED
    for _ in range(3):
        office.time.tick()
    [run] = office.launched()
    assert (office.get(asked.id).state, office.get(asked.id).run_id) == (State.LAUNCHED, run.id)


def test_a_full_disk_keeps_it_approved_until_there_is_room(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = office.ask()
    office.end_preview(asked.id)

    def full(*_: Any) -> None:
        raise Unavailable("The disk is full.")

    with monkeypatch.context() as patched:
        patched.setattr(Runs, "launch", full)
        office.approve(asked.id, "bob")
        office.time.tick()
        assert office.get(asked.id).state == State.APPROVED
    office.time.tick()
    assert len(office.launched()) == 1
