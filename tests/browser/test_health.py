"""The Health pages in a browser: live, by keyboard, in both themes, on a phone."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import person
from tests.browser.conftest import DESKTOP
from tests.browser.every_page import FLEET, open_page
from tests.browser.fleet import Fleet, sample_fleet
from tests.browser.test_accessibility import PHONE, THEMES, barriers, in_theme
from tests.system.master import start

pytestmark = pytest.mark.browser

#: Longer than `down_after` of the sample fleet.
SOON = 30_000


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Fleet]:
    """A master of its own, as its alerts would stand on the pages of other tests."""
    master = start(tmp_path_factory.mktemp("fleet"), "all:\n  hosts:\n    master: {ansible_connection: local}\n")
    try:
        with sample_fleet(master) as started:
            yield started
    finally:
        master.stop()


@pytest.fixture(scope="module")
def cookies(browser: Browser, fleet: Fleet) -> dict[str, object]:
    with browser.new_context(base_url=fleet.master.url) as context:
        page = context.new_page()
        person.sign_in(page)
        expect(page.get_by_role("button", name="Account of admin")).to_be_visible()
        return dict(context.storage_state())


@pytest.fixture
def page(browser: Browser, fleet: Fleet, cookies: dict[str, object]) -> Iterator[Page]:
    """The page of the first admin; what its scripts complain about fails the test."""
    settings = {"base_url": fleet.master.url, "viewport": DESKTOP, "storage_state": cookies, "reduced_motion": "reduce"}
    complaints: list[str] = []
    with browser.new_context(**settings) as context:  # type: ignore[arg-type]
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        yield page
    assert complaints == []


def test_who_falls_silent_and_comes_back_is_seen_on_the_open_page_without_a_reload(page: Page, fleet: Fleet) -> None:
    page.goto("/health")
    page.evaluate("document.body.dataset.never = 'loaded again'")
    shop_4 = page.locator(".node-card", has=page.locator("[data-node=shop-4]"))
    expect(shop_4).to_contain_text("Healthy", timeout=SOON)
    expect(shop_4).to_contain_text(re.compile(r"heard \d s ago"))
    fleet.silent.add("shop-4")
    expect(shop_4).to_contain_text("Down", timeout=SOON)
    expect(shop_4).to_contain_text("Nothing was heard of it since")
    expect(page.locator("[data-health-count=down]")).to_have_text("1")
    expect(page.locator(".note", has_text="shop-4 is down.").first).to_be_visible()
    fleet.silent.discard("shop-4")
    expect(shop_4).to_contain_text("Healthy", timeout=SOON)
    expect(page.locator(".note", has_text="shop-4 is healthy again.").first).to_be_visible()
    assert page.evaluate("document.body.dataset.never") == "loaded again"


def test_by_keyboard_from_all_nodes_to_the_charts_of_one(page: Page) -> None:
    page.goto("/health?view=table")
    link = page.get_by_role("link", name="shop-2", exact=True)
    person.tab_to(page, link)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="shop-2", level=1)).to_be_visible()
    expect(page.locator("#charts canvas")).to_have_count(4)
    expect(page.locator("[data-figure=disk_percent] .chart-value")).to_have_text("96 %")
    person.tab_to(page, page.get_by_role("link", name="24 hours"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="The last 24 hours")).to_be_visible()
    summary = page.get_by_text("The same as a table")
    person.tab_to(page, summary)
    page.keyboard.press("Enter")
    expect(page.get_by_role("cell", name="Nothing was heard.").first).to_be_visible()


def test_a_reader_on_a_card_stays_there_when_figures_are_drawn_anew(page: Page) -> None:
    page.goto("/health")
    link = page.locator("[data-node=shop-1]")
    link.focus()
    with page.expect_response(lambda answer: "rows=1" in answer.url, timeout=SOON):
        pass
    expect(link).to_be_focused()


def test_no_page_has_a_barrier_or_is_wider_than_a_phone(page: Page) -> None:
    for size in (PHONE, DESKTOP):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        for address in FLEET.values():
            open_page(page, address)
            assert [found for theme in THEMES for found in barriers(in_theme(page, theme))] == []
            assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], address
