"""One person asks, others approve, and what starts is exactly what was previewed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import person
from tests.browser.conftest import Visit
from tests.system.master import Master


@pytest.fixture(scope="module")
def people(master: Master) -> dict[str, str]:
    """The passwords of alice and bob, who may run operations."""
    made = {}
    for name in ("alice", "bob"):
        said = master.command("person", "add", name, "--role", "technical-agent")
        found = re.search(r"[Pp]assword[^\n]*?:\s*(\S+)|^(\S{12,})$", said, re.MULTILINE)
        assert found, said
        made[name] = found[1] or found[2]
    return made


@pytest.fixture
def page_of(visit: Visit, people: dict[str, str]) -> Visit:
    """Somebody's page, signed in."""

    def go(name: str) -> Page:
        page = visit()
        person.sign_in(page, people[name], name)
        expect(page.get_by_role("button", name=f"Account of {name}")).to_be_visible()
        return page

    return go


def test_two_people_approve_what_a_third_asks_for(page_of: Visit, signed_in_page: Page, tmp_path: Path) -> None:
    note = tmp_path / "note"
    alice, bob, admin = page_of("alice"), page_of("bob"), signed_in_page
    bob.goto("/operations")
    before = int(bob.locator("#requests-count").inner_text())
    waiting = bob.get_by_role("link", name=f"Requests waiting for you: {before + 1}", exact=True)
    expect(waiting).to_be_hidden()

    alice.goto("/operations/leave_note?hosts=master")
    alice.get_by_label(re.compile("^Path")).fill(str(note))
    alice.get_by_label(re.compile("^Text")).fill("Back at ten.")
    alice.get_by_role("button", name="Ask for approval").click()
    alice.wait_for_url("**/requests/*")
    expect(alice.get_by_role("button", name=re.compile("Approve"))).to_have_count(0)

    expect(waiting).to_be_visible()  # without anybody loading a page
    waiting.click()
    bob.get_by_role("link", name="Leave a note").first.click()  # the newest
    expect(bob.locator("#request")).to_contain_text("Back at ten.")
    expect(bob.locator("#request .diff")).to_contain_text("+Back at ten.")
    assert not note.exists()
    bob.get_by_label("Comment").fill("Go ahead.")
    bob.get_by_role("button", name="Approve version 1").click()
    expect(bob.locator("#request")).to_contain_text("approved by bob")
    assert not note.exists()

    admin.goto(alice.url)
    admin.get_by_role("button", name="Approve version 1").click()
    expect(alice.locator("#request")).to_contain_text("Launched")  # its page is told
    alice.get_by_role("link", name="Its run").click()
    person.see_end(alice, "Successful")
    assert note.read_text() == "Back at ten.\n"


def test_a_change_is_seen_and_begins_again(page_of: Visit, signed_in_page: Page, tmp_path: Path) -> None:
    alice, admin = page_of("alice"), signed_in_page
    alice.goto("/operations/leave_note?hosts=master")
    alice.get_by_label(re.compile("^Path")).fill(str(tmp_path / "note"))
    alice.get_by_role("button", name="Ask for approval").click()
    alice.wait_for_url("**/requests/*")
    admin.goto(alice.url)
    admin.get_by_role("link", name="Change").click()
    admin.get_by_label(re.compile("^Text")).fill("Better words.")
    admin.get_by_role("button", name="Ask for this instead").click()
    admin.wait_for_url("**/requests/*")
    expect(alice.locator("#request ins").first).to_have_text("Better words.")
    expect(admin.locator(".answer-note")).to_contain_text("somebody else has to approve it")
    alice.get_by_role("button", name="Withdraw").click()
    alice.get_by_role("button", name="Withdraw it").click()
    expect(alice.locator("#request")).to_contain_text("Withdrawn")
