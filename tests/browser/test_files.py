"""Files as a person works with them: find, edit, commit, both sides, pull request, and after a restart."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import person
from tests.browser.samples import change_as_somebody_else
from tests.browser.test_accessibility import THEMES, barriers, in_theme
from tests.system.master import Master, start

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Master]:
    """A fresh master of its own: nothing but the repository of examples."""
    started = start(tmp_path_factory.mktemp("files"), "all: {}\n")
    yield started
    started.stop()


@pytest.fixture
def signed_in_page(page: Page) -> Page:
    person.sign_in(page)
    expect(page.get_by_role("button", name="Account of admin")).to_be_visible()
    return page


def open_editor(page: Page, path: str) -> None:
    page.goto(f"/files/example/view?path={path}")
    page.get_by_role("button", name="Edit", exact=True).click()
    page.wait_for_url(re.compile(r"/edits/\d+/file"))


def write(page: Page, path: str, text: str) -> None:
    """Replace all that is in the editor, and wait until the node has it."""
    page.get_by_role("textbox", name=f"Contents of {path}").click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(text)
    expect(page.locator("#draft-status")).to_contain_text("Draft kept")


def commit(page: Page, message: str) -> None:
    page.get_by_role("button", name="Review and commit").click()
    page.get_by_label("Message").fill(message)
    page.get_by_role("button", name="Commit", exact=True).click()


def test_a_file_is_found_by_keyboard_alone(signed_in_page: Page) -> None:
    page = signed_in_page
    page.goto("/files/example")
    expect(page.get_by_label("File", exact=True)).to_be_focused()
    page.keyboard.type("scrdisk")
    expect(page.get_by_role("status").filter(has_text="1 of 7 files")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="scripts/disk-space.sh")).to_be_visible()
    expect(page.get_by_role("region", name="Contents of scripts/disk-space.sh")).to_contain_text("df -h")


def test_a_file_is_edited_committed_and_merged(signed_in_page: Page) -> None:
    page = signed_in_page
    open_editor(page, "group_vars/web.yml")
    write(page, "group_vars/web.yml", "greeting: Ahoy\nports: [80\n")
    expect(page.locator("#draft-status")).to_contain_text("Line 3, column 1")
    write(page, "group_vars/web.yml", "greeting: Ahoy\n")
    commit(page, "Greet like sailors")
    expect(page.get_by_text(re.compile("Committed as"))).to_be_visible()
    page.get_by_role("button", name="Merge into main").click()
    page.get_by_role("dialog").get_by_role("button", name="Merge", exact=True).click()
    expect(page.get_by_text("It is merged into main")).to_be_visible()
    page.goto("/files/example/history?path=group_vars/web.yml")
    expect(page.get_by_text("Greet like sailors")).to_be_visible()


def test_tab_indents_and_escape_lets_the_keyboard_out(signed_in_page: Page) -> None:
    page = signed_in_page
    open_editor(page, "README.md")
    editor = page.get_by_role("textbox", name="Contents of README.md")
    editor.click()
    page.keyboard.press("Control+Home")
    page.keyboard.press("Tab")
    expect(editor).to_contain_text("  # Example files")
    expect(editor).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(editor).not_to_be_focused()


def test_what_others_changed_meanwhile_is_shown_and_merged_by_hand(signed_in_page: Page, master: Master) -> None:
    page = signed_in_page
    open_editor(page, "hosts.ini")
    write(page, "hosts.ini", "[web]\nmine-1\n")
    change_as_somebody_else(master, "hosts.ini", "[web]\ntheirs-1\n")
    commit(page, "Mine")
    expect(page.get_by_role("heading", name="What changed meanwhile")).to_be_visible()
    expect(page.get_by_role("region", name="What others changed in hosts.ini")).to_contain_text("+theirs-1")
    assert [found for theme in THEMES for found in barriers(in_theme(page, theme))] == []
    page.get_by_role("textbox", name="Both changes of hosts.ini together").click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text("[web]\nmine-1\ntheirs-1\n")
    page.get_by_role("button", name="Go on from what is there now").click()
    page.get_by_label("Message").fill("Both")
    page.get_by_role("button", name="Commit", exact=True).click()
    page.get_by_text("Open a pull request").click()
    page.get_by_label("Title").fill("Both hosts")
    page.get_by_role("button", name="Open the pull request").click()
    expect(page.get_by_text(re.compile(r"Pull request \d+ is open"))).to_be_visible()
    page.get_by_role("button", name="Merge into main").click()
    page.get_by_role("dialog").get_by_role("button", name="Merge", exact=True).click()
    expect(page.get_by_text("It is merged into main")).to_be_visible()
    content = master.call("GET", "/api/v1/repositories/example/content?path=hosts.ini").text
    assert content == "[web]\nmine-1\ntheirs-1\n"


def test_a_new_file_is_uploaded_and_the_edit_discarded(signed_in_page: Page) -> None:
    page = signed_in_page
    page.goto("/files/example")
    page.get_by_role("button", name="Add or upload files").click()
    page.get_by_label("Path of the new file").fill("files/logo.bin")
    upload = {"name": "logo.bin", "mimeType": "application/octet-stream", "buffer": bytes(2_000_000)}
    page.get_by_label("Upload").set_input_files(upload)  # type: ignore[arg-type]
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("This is no text, so its lines cannot be compared.")).to_be_visible()
    page.get_by_role("button", name="Discard").click()
    page.get_by_role("button", name="Discard the edit").click()
    expect(page.get_by_role("heading", name="Repositories")).to_be_visible()


def test_a_page_without_scripts_edits_all_the_same(browser: Browser, master: Master) -> None:
    with browser.new_context(base_url=master.url, java_script_enabled=False) as context:
        page = context.new_page()
        person.sign_in(page)
        expect(page.get_by_role("button", name="Account of admin")).to_be_visible()
        open_editor(page, "settings.json")
        page.get_by_label("Contents of settings.json").fill('{"environment": "live"}\n')
        page.get_by_role("button", name="Review and commit").click()
        expect(page.locator(".diff-added")).to_contain_text('+{"environment": "live"}')


def test_a_draft_survives_a_restart_of_the_node(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> None:
    home = tmp_path_factory.mktemp("restarted")
    node = start(home, "all: {}\n")
    with browser.new_context(base_url=node.url) as context:
        page = context.new_page()
        person.sign_in(page)
        expect(page.get_by_role("button", name="Account of admin")).to_be_visible()
        open_editor(page, "site.yml")
        write(page, "site.yml", "# half finished\n")
    node.stop()
    node = start(home)
    with browser.new_context(base_url=node.url) as context:
        page = context.new_page()
        person.sign_in(page)
        expect(page.get_by_role("button", name="Account of admin")).to_be_visible()
        page.goto("/files")
        page.get_by_role("link", name="site.yml").click()
        expect(page.locator(".diff-added")).to_contain_text("+# half finished")
    node.stop()
