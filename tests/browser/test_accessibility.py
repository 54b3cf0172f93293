"""No page has a barrier that axe-core can find, and none is wider than a phone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.every_page import ALERTED, INSIDE, OUTSIDE, open_page
from tests.browser.samples import Samples, sample_alerts
from tests.system.master import Master

pytestmark = pytest.mark.browser

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
PHONE = {"width": 390, "height": 844}
THEMES = ("dark", "light")


def barriers(page: Page) -> list[str]:
    """What axe-core finds wrong with the page, one sentence an element."""
    page.evaluate(AXE)
    found: dict[str, Any] = page.evaluate("rules => axe.run({runOnly: rules})", RULES)
    return [
        f"{page.url} {violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


def in_theme(page: Page, theme: str) -> Page:
    """The same page, drawn in that theme."""
    page.evaluate("theme => { document.documentElement.dataset.bsTheme = theme; }", theme)
    return page


@pytest.mark.parametrize("name", INSIDE)
def test_no_page_has_a_barrier_in_either_theme_or_is_wider_than_a_phone(
    name: str, signed_in_page: Page, samples: Samples
) -> None:
    open_page(signed_in_page, INSIDE[name], samples)
    assert [found for theme in THEMES for found in barriers(in_theme(signed_in_page, theme))] == []
    signed_in_page.set_viewport_size(PHONE)
    assert signed_in_page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


@pytest.mark.parametrize("name", OUTSIDE)
def test_no_page_for_strangers_has_a_barrier_in_either_theme(name: str, page: Page) -> None:
    open_page(page, OUTSIDE[name])
    assert [found for theme in THEMES for found in barriers(in_theme(page, theme))] == []


def test_pages_with_alerts_have_no_barrier(visit: Visit, signed_in_state: dict[str, object], master: Master) -> None:
    page = visit(storage_state=signed_in_state, viewport=PHONE)
    with sample_alerts(master):
        for address in ALERTED.values():
            page.goto(address)
            expect(page.locator("[data-alert], .alert-row").first).to_be_visible()
            assert [found for theme in THEMES for found in barriers(in_theme(page, theme))] == []
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_open_dialogs_have_no_barrier(signed_in_page: Page, samples: Samples) -> None:
    page = signed_in_page
    open_page(page, INSIDE["run-failed"], samples)
    page.get_by_role("button", name="Again on failed hosts").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert barriers(page) == []
    page.keyboard.press("Escape")
    page.keyboard.press("Control+K")
    expect(page.get_by_role("option").first).to_be_visible()
    assert barriers(page) == []
