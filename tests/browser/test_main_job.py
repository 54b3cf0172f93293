"""The main job in the browser: sign in, run a command, watch it, cancel it, find it again."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.person import launch, see_end, sign_in, state, tab_to, terminal
from tests.system.master import Master

pytestmark = pytest.mark.browser


def test_a_wrong_password_is_said_and_the_right_one_opens_the_first_page(page: Page) -> None:
    sign_in(page, password="not this one")
    expect(page.get_by_role("alert")).to_contain_text("password")
    expect(page.get_by_label("Name")).to_have_value("admin")
    sign_in(page)
    expect(page.get_by_role("heading", name="Runs")).to_be_visible()


def test_signing_in_leads_to_the_page_that_was_asked_for(page: Page) -> None:
    page.goto("/history?person=admin")
    page.get_by_label("Name").fill("admin")
    page.get_by_label("Password").fill("correct horse battery staple")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/history?person=admin")


def test_after_signing_out_nothing_opens_without_signing_in(page: Page) -> None:
    sign_in(page)
    page.get_by_role("button", name="Account of admin").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("status")).to_contain_text("You are signed out.")
    page.goto("/runs")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


@pytest.mark.sshd
def test_a_newcomer_runs_df_on_the_master_and_a_worker_with_clicks_alone(signed_in_page: Page) -> None:
    page = signed_in_page
    page.goto("/")
    page.get_by_role("link", name="Run a command").click()
    page.get_by_role("link", name="df -h /").first.click()
    choices = page.get_by_role("group", name="Groups and hosts")
    choices.get_by_role("button", name="master", exact=True).click()
    choices.get_by_role("button", name="web-1", exact=True).click()
    expect(page.locator("#hosts-preview")).to_have_text("This will run on 2 hosts: master, web-1")
    page.get_by_role("button", name="Run", exact=True).click()
    see_end(page, "Successful")
    expect(terminal(page)).to_contain_text("master | CHANGED")
    expect(terminal(page)).to_contain_text("web-1 | CHANGED")
    expect(terminal(page)).to_contain_text("Filesystem")
    expect(page).to_have_title("Successful: df -h / · Selfservice")


@pytest.mark.sshd
def test_output_of_the_first_host_is_seen_while_the_second_still_works(signed_in_page: Page, tmp_path: Path) -> None:
    page, go = signed_in_page, tmp_path / "go"
    waits = f'case "$SSH_CONNECTION" in *127.0.0.3*) until [ -e {go} ]; do sleep 0.1; done;; esac'
    launch(page, f"{waits}; echo from $SSH_CONNECTION", "web-1,web-2", shell=True)
    expect(terminal(page)).to_contain_text("web-1 | CHANGED")
    expect(terminal(page)).to_contain_text("127.0.0.2")
    expect(state(page)).to_have_text("Running")
    expect(page.locator("#waiting-hosts")).to_have_text("1 to come")
    expect(terminal(page)).not_to_contain_text("web-2 |")
    go.touch()
    expect(terminal(page)).to_contain_text("web-2 | CHANGED")
    see_end(page, "Successful")
    expect(page.get_by_role("button", name="Cancel", exact=True)).to_be_hidden()


def test_a_run_is_canceled_after_a_dialog_that_names_it_and_says_who_did_it(signed_in_page: Page) -> None:
    page = signed_in_page
    launch(page, "sleep 600")
    expect(state(page)).to_have_text("Running")
    page.get_by_role("button", name="Cancel", exact=True).click()
    dialog = page.get_by_role("dialog", name="Cancel this run?")
    expect(dialog).to_contain_text("“sleep 600” on master (1 host)")
    dialog.get_by_role("button", name="Let it go on").click()
    expect(dialog).to_be_hidden()
    expect(state(page)).to_have_text("Running")
    page.get_by_role("button", name="Cancel", exact=True).click()
    dialog.get_by_role("button", name="Cancel the run").click()
    see_end(page, "Canceled")
    expect(page.locator("#why")).to_contain_text("Canceled by admin")


@pytest.mark.sshd
def test_a_failed_run_is_run_again_on_the_hosts_where_it_failed(signed_in_page: Page) -> None:
    page = signed_in_page
    launch(page, 'case "$SSH_CONNECTION" in *127.0.0.3*) exit 3;; esac', "web-1,web-2", shell=True)
    see_end(page, "Failed")
    first = page.url
    page.get_by_role("button", name="Again on failed hosts").click()
    dialog = page.get_by_role("dialog", name="Run it again where it failed?")
    expect(dialog.get_by_role("listitem")).to_have_text(["web-2"])
    dialog.get_by_role("button", name="Run on failed hosts").click()
    page.wait_for_url(lambda url: url != first)
    see_end(page, "Failed")
    expect(terminal(page)).to_contain_text("web-2 | FAILED")
    expect(terminal(page)).not_to_contain_text("web-1")
    page.get_by_role("link", name="repeats an earlier run").click()
    page.wait_for_url(first)


@pytest.mark.sshd
def test_each_view_of_a_run_says_how_its_hosts_fared(signed_in_page: Page) -> None:
    page = signed_in_page
    launch(page, "uptime", "workers")
    see_end(page, "Failed")
    expect(page.locator("#why")).to_contain_text("db-1 refuses connections", ignore_case=True)
    page.get_by_role("tab", name="Hosts").click()
    rows = page.get_by_role("row")
    expect(rows.filter(has_text="db-1")).to_contain_text("Unreachable")
    page.get_by_role("button", name=re.compile("Failed")).last.click()
    expect(rows.filter(has_text="web-1")).to_have_count(0)
    page.locator("[data-counter]").first.click()
    expect(page.get_by_role("dialog").get_by_role("region", name="Result")).to_contain_text("unreachable")
    page.keyboard.press("Escape")
    page.get_by_role("tab", name="Timeline").click()
    expect(page.get_by_role("tabpanel", name="Timeline")).to_contain_text("web-1")
    page.get_by_role("tab", name="Details").click()
    expect(page.get_by_role("tabpanel", name="Details")).to_contain_text("ansible")
    page.reload()
    expect(page.get_by_role("tab", name="Details")).to_have_attribute("aria-selected", "true")


def test_history_finds_a_launch_by_person_kind_and_words_and_leads_to_its_run(signed_in_page: Page) -> None:
    page = signed_in_page
    launch(page, "echo needle-in-history")
    run = page.url
    navigation = page.get_by_role("navigation", name="Main")
    navigation.get_by_text("Records").click()
    navigation.get_by_role("link", name="History").click()
    page.get_by_label("Person").select_option("admin")
    page.get_by_label("Kind").select_option("run:launch")
    page.get_by_label("Words").fill("needle-in-history")
    page.get_by_role("button", name="Filter").click()
    rows = page.locator("#actions tbody tr")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("admin")
    expect(page).to_have_url(re.compile("kind=run%3Alaunch"))
    rows.get_by_role("link", name="echo needle-in-history").click()
    page.wait_for_url(run)


def test_hostile_output_is_shown_as_text_and_does_nothing(signed_in_page: Page) -> None:
    page = signed_in_page
    hostile = (
        r"printf '<img src=x onerror=alert(1)>\n\033]0;owned\007\033[2J\033[1;1H\033[31mred\033[0m <b>still</b> here\n'"
    )
    launch(page, hostile, shell=True)
    see_end(page, "Successful")
    expect(terminal(page)).to_contain_text("<img src=x onerror=alert(1)>")
    expect(terminal(page)).to_contain_text("red <b>still</b> here")
    expect(terminal(page)).not_to_contain_text("owned")
    expect(terminal(page).locator("img, b")).to_have_count(0)
    expect(terminal(page).locator(".a-fg-1")).to_have_text("red")
    for address in ("/runs", "/history", "/", "/commands"):
        page.goto(address)
        expect(page.locator("main")).to_contain_text("<img src=x")
        expect(page.locator("main img")).to_have_count(0)


def test_an_unknown_host_is_said_beside_the_field_and_nothing_typed_is_lost(signed_in_page: Page) -> None:
    page = signed_in_page
    page.goto("/commands")
    hosts, command = page.get_by_label("Hosts", exact=True), page.get_by_label("Command", exact=True)
    hosts.fill("nowhere")
    expect(page.locator("#hosts-preview")).to_contain_text("nowhere")
    command.fill("echo 'kept'  as typed")
    page.get_by_label("Use a shell").check()
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("#hosts-error")).to_contain_text("nowhere")
    expect(hosts).to_have_attribute("aria-describedby", re.compile("hosts-error"))
    expect(hosts).to_have_value("nowhere")
    expect(command).to_have_value("echo 'kept'  as typed")
    expect(page.get_by_label("Use a shell")).to_be_checked()


def test_a_page_that_is_not_there_says_so_in_the_frame(signed_in_page: Page) -> None:
    signed_in_page.goto("/runs/20200101T000000-abcdef")
    expect(signed_in_page.locator("main")).to_contain_text("There is no run 20200101T000000-abcdef")
    expect(signed_in_page.get_by_role("navigation", name="Main")).to_be_visible()


def test_the_keyboard_alone_signs_in_launches_and_reads_the_output(page: Page) -> None:
    page.goto("/sign-in")
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type("admin")
    page.keyboard.press("Tab")
    page.keyboard.type("correct horse battery staple")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Runs")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    tab_to(page, page.get_by_role("navigation").get_by_text("Operate"))
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("navigation").get_by_role("link", name="Commands"))
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_label("Hosts", exact=True))
    page.keyboard.type("master")
    tab_to(page, page.get_by_label("Command", exact=True))
    page.keyboard.type("echo by keyboard")
    tab_to(page, page.get_by_role("button", name="Run", exact=True))
    page.keyboard.press("Enter")
    page.wait_for_url("**/runs/*")
    see_end(page, "Successful")
    tab_to(page, page.get_by_role("tab", name="Output"))
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Hosts")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    tab_to(page, terminal(page))
    expect(terminal(page)).to_contain_text("by keyboard")


def test_control_k_jumps_to_pages_and_runs(signed_in_page: Page) -> None:
    page = signed_in_page
    launch(page, "echo jump-target")
    run = page.url
    page.keyboard.press("Control+K")
    field = page.get_by_role("combobox", name="Jump to")
    expect(field).to_be_focused()
    page.keyboard.type("inventory")
    expect(page.get_by_role("option").first).to_contain_text("Hosts")
    page.keyboard.press("Enter")
    page.wait_for_url("**/hosts")
    page.keyboard.press("Control+K")
    page.keyboard.type("jump-target")
    expect(page.get_by_role("option")).to_have_count(1)
    page.keyboard.press("Enter")
    page.wait_for_url(run)


def test_the_chosen_theme_stays(signed_in_page: Page, master: Master) -> None:
    page, root = signed_in_page, signed_in_page.locator("html")
    page.goto("/")
    for title, theme in (("Light", "light"), ("Dark", "dark")):
        page.get_by_role("button", name="Account of admin").click()
        page.get_by_role("button", name=title).click()
        expect(root).to_have_attribute("data-bs-theme", theme)
        page.goto("/runs")
        expect(root).to_have_attribute("data-bs-theme", theme)
