"""The access grid is changed in place, and says where somebody else was faster."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Visit
from tests.browser.samples import Samples
from tests.system.master import Master


def test_access_is_changed_in_the_grid_and_a_conflict_is_told(
    master: Master, samples: Samples, visit: Visit, signed_in_state: dict[str, object]
) -> None:
    first, second = (visit(storage_state=signed_in_state) for _ in range(2))
    for page in (first, second):
        page.goto("/access")
    name = "Access of night-shift to Bank"
    first.get_by_label(name).select_option("read")
    expect(_said(first)).to_have_text("night-shift: read on bank, saved.")
    second.get_by_label(name).select_option("admin")
    expect(_said(second)).to_contain_text("it is now “read”, and was “none” when you looked")
    expect(second.get_by_label(name)).to_have_value("read")
    # Told once, whoever still wants it has it.
    second.get_by_label(name).select_option("write")
    expect(_said(second)).to_have_text("night-shift: write on bank, saved.")
    first.reload()
    expect(first.get_by_label(name)).to_have_value("write")
    first.get_by_label(name).focus()
    first.keyboard.press("ArrowUp")
    expect(_said(first)).to_have_text("night-shift: read on bank, saved.")


def _said(page: Page) -> Locator:
    return page.locator(".access-said")
