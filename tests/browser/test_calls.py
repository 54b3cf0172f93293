"""The page of API calls as a person uses it: choose nodes, fill the form, watch the answers come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SITE
from tests.system import worker as worker_module
from tests.system.master import Master
from tests.system.worker import Worker


@pytest.fixture(scope="module")
def worker(master: Master, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """A real worker that belongs to the master."""
    folder = tmp_path_factory.mktemp("worker")
    site = master.environment[SITE]
    added = worker_module.add(master, "desk-1", folder, **{SITE: site})
    added.start()
    yield added
    added.stop()
    master.call("DELETE", f"/api/v1/nodes/{added.name}").raise_for_status()


@pytest.fixture
def page(visit: Callable[..., Page], signed_in_state: dict[str, object]) -> Page:
    return visit(storage_state=signed_in_state)


def test_answers_of_many_nodes_come_by_themselves(page: Page, worker: Worker, tmp_path: Path) -> None:
    page.goto("/calls")
    page.get_by_label("What to send").select_option(label="Wait for a file")
    expect(page.get_by_text("Wait until there is a file.")).to_be_visible()
    page.get_by_label("desk-1").check()
    page.get_by_label("master").check()
    page.get_by_label("Path").fill(str(tmp_path / "go"))
    page.get_by_role("button", name="Send").press("Enter")
    expect(page.get_by_role("heading", name="Wait for a file")).to_be_visible()
    for node in ("desk-1", "master"):
        answer = page.locator(f'.answer[data-node="{node}"]')
        expect(answer).to_have_attribute("data-state", "later")
        expect(answer).to_contain_text("The task goes on.")
    (tmp_path / "go").touch()
    for node in ("desk-1", "master"):
        answer = page.locator(f'.answer[data-node="{node}"]')
        expect(answer).to_have_attribute("data-state", "successful")
        expect(answer).to_contain_text("there")
    expect(page.locator(".call-counts")).to_have_text("2 of 2 answered")


def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_stays(page: Page, worker: Worker) -> None:
    page.goto("/calls?type=list_folder&nodes=desk-1")
    page.get_by_label("Path").fill("srv")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("cannot be used")).to_be_visible()
    expect(page.get_by_label("Path")).to_have_value("srv")
    expect(page.get_by_label("desk-1")).to_be_checked()


def test_a_worker_is_added_and_its_token_shown_once(page: Page, master: Master) -> None:
    page.goto("/nodes")
    page.get_by_label("Name").fill("desk-2")
    page.get_by_label("Address").fill("http://desk-2.example.org")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_text("Only https is used across the network")).to_be_visible()
    page.get_by_label("Address").fill("https://desk-2.example.org:5001")
    page.get_by_role("button", name="Add").click()
    expect(page.locator("#token")).to_contain_text("ssn_")
    token = page.locator("#token").inner_text()
    own_address = master.url.replace("127.0.0.1", "localhost")  # as set, whatever name the page was asked by
    expect(page.get_by_text(f"run.py join {own_address} --name desk-2")).to_be_visible()
    page.get_by_role("link", name="I have the token").click()
    expect(page.get_by_role("heading", name="desk-2")).to_be_visible()
    assert token not in page.content()
    page.get_by_role("button", name="Shut out").click()
    page.get_by_role("button", name="Shut it out").click()
    expect(page.get_by_text("desk-2 is shut out")).to_be_visible()
