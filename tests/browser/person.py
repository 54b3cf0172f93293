"""What a person does with the dashboard, step by step."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.system.master import PASSWORD


def sign_in(page: Page, password: str = PASSWORD, name: str = "admin") -> None:
    """Fill the sign-in page and send it."""
    page.goto("/sign-in")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def launch(page: Page, command: str, hosts: str = "master", *, shell: bool = False) -> None:
    """Start a command from the Commands page; ends on the page of its run."""
    page.goto("/commands")
    page.get_by_label("Hosts", exact=True).fill(hosts)
    page.get_by_label("Command", exact=True).fill(command)
    page.get_by_label("Use a shell").set_checked(shell)
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_url("**/runs/*")


def state(page: Page) -> Locator:
    """The badge that says where the run of this page stands."""
    return page.locator("#state")


def terminal(page: Page) -> Locator:
    """The part of the run page that shows its output."""
    return page.locator("run-terminal .term-screen")


def see_end(page: Page, word: str) -> None:
    """Wait on the run page until the run has ended as `word` says."""
    expect(state(page)).not_to_have_text(re.compile("Queued|Running"))
    assert state(page).inner_text() == word, page.locator("main").inner_text()


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until `target` has the focus, as somebody without a mouse does."""
    expect(target).to_be_visible()
    for _ in range(60):
        if target.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab never reaches {target}")
