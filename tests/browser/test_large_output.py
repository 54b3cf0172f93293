"""An output of a million lines opens at once, because only what is seen is fetched and drawn."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, Response, expect

from selfservice.audit.actions import Actor
from selfservice.runs.folder import RunFolder
from selfservice.runs.run import Run, RunKind, RunRequest, State, Status
from selfservice.store import files
from selfservice.store.ids import new_id
from tests.browser.person import terminal
from tests.system.master import Master

pytestmark = pytest.mark.browser

LINES = 1_000_000
#: Lines that a page may hold, and bytes that it may fetch for one screen.
FEW_LINES, FEW_BYTES = 100, 64 * 1024


@pytest.fixture(scope="module")
def long_run(master: Master) -> str:
    """The id of a finished run that printed a million lines."""
    artifacts = master.home / "artifacts"
    now = datetime.now(UTC)
    request = RunRequest(RunKind.COMMAND, hosts="master", host_names=("master",), command="seq 1000000")
    run = Run(new_id(now), request, Actor("admin", "session", "127.0.0.1"), now.isoformat(), "master")
    hidden = RunFolder.prepare(artifacts, run)
    with (hidden / "stdout").open("w") as stdout:
        stdout.writelines(f"line {number} of a long output\n" for number in range(1, LINES + 1))
    ended = Status(State.SUCCESSFUL, started_at=now.isoformat(), ended_at=now.isoformat(), rc=0)
    files.write_json(hidden / "state.json", ended.to_json())
    return RunFolder.publish(artifacts, run.id).id


def fetched(answers: list[Response]) -> int:
    """Bytes of output that came with these answers."""
    return sum(len(answer.body()) for answer in answers)


def test_a_million_lines_show_their_first_and_last_screen_and_nothing_else_is_loaded(
    signed_in_page: Page, long_run: str
) -> None:
    page, answers = signed_in_page, []
    page.on("response", lambda answer: answers.append(answer) if f"{long_run}/" in answer.url else None)
    page.goto(f"/runs/{long_run}")
    lines = terminal(page).locator(".term-line")
    expect(lines.first).to_have_text("line 1 of a long output")
    assert lines.count() < FEW_LINES
    assert fetched(answers) < FEW_BYTES
    terminal(page).press("End")
    expect(lines.last).to_have_text(f"line {LINES} of a long output")
    assert lines.count() < FEW_LINES
    assert fetched(answers) < 2 * FEW_BYTES


def test_a_million_lines_are_searched_by_the_server(signed_in_page: Page, long_run: str) -> None:
    page, answers = signed_in_page, []
    page.goto(f"/runs/{long_run}")
    page.on("response", lambda answer: answers.append(answer) if f"{long_run}/" in answer.url else None)
    page.get_by_label("Find in the output").fill("line 777777 ")
    page.keyboard.press("Enter")
    found = terminal(page).locator(".term-here")
    expect(found).to_have_text("line 777777 of a long output")
    expect(found.locator("mark")).to_have_text("line 777777 ")
    assert fetched(answers) < FEW_BYTES
