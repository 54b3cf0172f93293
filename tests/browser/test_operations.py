"""Operations and schedules by keyboard alone, as somebody without a mouse asks for them."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.person import see_end, tab_to, terminal


def choose(page: Page, label: str, value: str) -> None:
    """Choose in a select with the arrow keys, as its keyboard users do."""
    field = page.get_by_role("combobox", name=re.compile(f"^{label}( optional)?$"))
    tab_to(page, field)
    page.keyboard.press("Home")  # the first that may be chosen
    for _ in range(field.locator("option").count()):
        if value in field.locator("option:checked").inner_text():
            return
        page.keyboard.press("ArrowDown")
    raise AssertionError(f"{value} is not offered by {label}")


def test_a_conditional_form_by_keyboard(signed_in_page: Page) -> None:
    page = signed_in_page
    page.goto("/operations/run_script?hosts=master")
    script, path = page.get_by_role("textbox", name="Script"), page.get_by_label("Path on the master")
    expect(script).to_be_visible()
    expect(path).to_be_hidden()
    choose(page, "Script from", "file")
    expect(path).to_be_visible()
    expect(script).to_be_hidden()
    choose(page, "Script from", "text")
    tab_to(page, script)
    page.keyboard.type("echo typed by hand")
    tab_to(page, page.get_by_label("Yes, this is what I want"))
    page.keyboard.press("Space")
    tab_to(page, page.get_by_role("button", name="Run", exact=True))
    page.keyboard.press("Enter")
    page.wait_for_url("**/runs/*")
    see_end(page, "Successful")
    expect(terminal(page)).to_contain_text("typed by hand")


def test_a_cascading_form_by_keyboard(signed_in_page: Page) -> None:
    page = signed_in_page
    page.goto("/operations/every_kind?hosts=master")
    city = page.get_by_role("combobox", name="City")
    choose(page, "City", "Wien")
    page.keyboard.press("Shift+Tab")
    expect(page.get_by_role("combobox", name="Region")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("combobox", name="Region")).to_have_value("us")
    expect(city).to_have_value("")
    choose(page, "City", "Boston")
    choose(page, "Sure", "Yes")
    tab_to(page, page.get_by_role("button", name="Add another"))
    page.keyboard.press("Enter")
    page.keyboard.type("443")
    tab_to(page, page.get_by_role("button", name="Run", exact=True))
    page.keyboard.press("Enter")
    page.wait_for_url("**/runs/*")
    see_end(page, "Successful")
    expect(terminal(page)).to_contain_text("Boston")
    page.get_by_role("tab", name="Details").click()
    expect(page.get_by_label("Variables")).to_contain_text('"port": "443"')


def test_a_preview_is_applied_exactly(signed_in_page: Page, tmp_path: Path) -> None:
    page = signed_in_page
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_text("the new line\n")
    page.goto("/operations/copy_file?hosts=web-1")
    page.get_by_label("File on the master").fill(str(source))
    page.get_by_label("File on the hosts").fill(str(target))
    page.get_by_role("button", name="Preview").click()
    page.wait_for_url("**/runs/*")
    expect(page.get_by_text("This is a preview")).to_be_visible()
    see_end(page, "Successful")
    page.get_by_role("tab", name="Changes").click()
    expect(page.locator("#changes-body")).to_contain_text("the new line")
    assert not target.exists()
    before = page.url
    page.get_by_role("button", name="Apply exactly this").click()
    page.wait_for_url(lambda url: "/runs/" in url and url != before)
    see_end(page, "Successful")
    assert target.read_text() == "the new line\n"


def test_a_schedule_shows_its_next_times_while_one_types(signed_in_page: Page) -> None:
    page = signed_in_page
    page.goto("/schedules/new?hosts=master&title=Nightly&operation=uptime")
    times = page.locator("#next-times li")
    expect(times).to_have_count(5)
    choose(page, "When", "By a cron")
    expect(page.get_by_label("Cron expression")).to_be_visible()
    expect(page.get_by_label("Time", exact=True)).to_be_hidden()
    tab_to(page, page.get_by_label("Cron expression"))
    page.keyboard.type("0 0 30 2 *")
    expect(times).to_contain_text(["This never comes"])
    page.keyboard.press("Control+A")
    page.keyboard.type("30 2 * * *")
    expect(times).to_have_text([re.compile(r"\d{4}-\d\d-\d\d 02:30")] * 5)
    tab_to(page, page.get_by_role("button", name="Save"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/schedules/*")
    expect(page.get_by_role("heading", name="Nightly")).to_be_visible()
    expect(page.locator(".next-times li").first).to_contain_text("02:30")
