"""Alerts appear on every open page of the people they are for, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.system.master import Master


def send(master: Master, message: str, **named: object) -> int:
    answer = master.call("POST", "/api/v1/alerts", json={"message": message, **named})
    answer.raise_for_status()
    alert_id: int = answer.json()["id"]
    return alert_id


@pytest.fixture
def open_page(visit: Callable[..., Page], signed_in_state: dict[str, object]) -> Callable[[str], Page]:
    """Opens a page as the first admin, in a browser of its own."""

    def go(path: str) -> Page:
        page = visit(storage_state=signed_in_state)
        page.goto(path)
        return page

    return go


def test_an_alert_pops_up_on_every_open_page_and_goes_from_all(
    master: Master, open_page: Callable[[str], Page]
) -> None:
    first, second = open_page("/"), open_page("/runs")
    send(master, "The <img src=x onerror=alert(1)> disk is full", severity="error", link="/runs?state=failed")
    for page in (first, second):
        note = page.locator("[data-alert]").filter(has_text="The <img src=x onerror=alert(1)> disk is full")
        expect(note).to_be_visible()
        expect(page.locator("#bell-count")).to_have_text("1")
    first.reload()
    note = first.locator("[data-alert]").filter(has_text="disk is full")
    expect(note).to_be_visible()
    note.get_by_role("button", name="Dismiss").press("Enter")
    for page in (first, second):
        expect(page.locator("[data-alert]")).to_have_count(0)
        expect(page.locator("#bell-count")).to_be_hidden()
    first.reload()
    expect(first.locator("#bell")).to_have_attribute("aria-label", "Alerts: none open")


def test_an_alert_for_somebody_else_is_not_seen(master: Master, open_page: Callable[[str], Page]) -> None:
    page = open_page("/")
    send(master, "Only for alice", to=["alice"])
    alert_id = send(master, "For you", to=["admin"])
    expect(page.locator("[data-alert]")).to_have_text("For youadmin/tests")
    master.call("DELETE", f"/api/v1/alerts/{alert_id}").raise_for_status()
    expect(page.locator("[data-alert]")).to_have_count(0)


def test_an_alert_that_expires_leaves_by_itself(master: Master, open_page: Callable[[str], Page]) -> None:
    page = open_page("/")
    send(master, "Soon over", expires_in=2)
    expect(page.locator("[data-alert]")).to_have_count(1)
    expect(page.locator("[data-alert]")).to_have_count(0)
