"""Somebody adds where they are told, tries it, and sees on the page what came of it."""

from __future__ import annotations

from playwright.sync_api import Page, expect


def test_a_test_says_on_the_page_what_came_of_it(signed_in_page: Page) -> None:
    page = signed_in_page
    page.goto("/account/notifications")
    page.get_by_label("Address").fill("syslog://")
    page.get_by_label("Name", exact=True).fill("Night shift")
    page.get_by_role("button", name="Add it").click()
    expect(page.locator("#url-error")).to_contain_text("only what is sent by HTTP or as e-mail")
    page.get_by_label("Address").fill("json://bob:secret-7261@127.0.0.1:9/hook")
    page.get_by_role("button", name="Add it").click()
    target = page.get_by_role("row", name="Night shift JSON")
    expect(target).to_contain_text("JSON at 127.0.0.1")
    assert "secret-7261" not in page.content()
    target.get_by_role("button", name="Send a test").click()
    expect(page.locator("[data-delivery]").first).to_contain_text("Given up", timeout=60_000)  # by itself
    expect(page.locator("[data-delivery]").first).to_contain_text("private network, where nothing may be sent")
    page.reload()
    expect(target).to_contain_text("Failing")
    target.get_by_role("link", name="Night shift").click()
    page.get_by_label("a node is down").check()
    page.get_by_role("button", name="Save").click()
    expect(target).to_contain_text("a node is down")
    target.get_by_role("button", name="Remove", exact=True).click()
    page.get_by_role("button", name="Remove it").click()
    expect(target).to_have_count(0)
