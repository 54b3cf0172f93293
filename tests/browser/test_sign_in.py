"""Signing in as people do: with codes of an app, and with passkeys of a device."""

from __future__ import annotations

import re

import pyotp
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.system.master import Master

pytestmark = pytest.mark.browser

WELCOME = re.compile("Account of ")


@pytest.fixture
def somebody(master: Master, request: pytest.FixtureRequest) -> tuple[str, str]:
    """Name and password of an account that this test has for itself."""
    name = re.sub("[^a-z]", "-", request.node.name)[-40:].strip("-")
    return name, master.command("person", "add", name, "--role", "viewer").rstrip().rpartition(" ")[2]


@pytest.fixture
def device(visit: Visit, master: Master) -> Page:
    """A page in a browser that has a device for passkeys, whose owner says yes at once."""
    page = visit(base_url=master.url.replace("127.0.0.1", "localhost"))
    tools = page.context.new_cdp_session(page)
    tools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
    }
    tools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return page


def _sign_in(page: Page, name: str, password: str) -> None:
    page.goto("/sign-in")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def _sign_out(page: Page) -> None:
    page.wait_for_load_state()  # menus open by a script
    page.get_by_role("button", name=WELCOME).click()
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def _add_passkey(page: Page, password: str) -> None:
    page.goto("/account/second-factor")
    page.get_by_label("Name of the device").fill("my laptop")
    page.locator("#passkey-password").fill(password)
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()


def test_an_app_is_added_and_its_codes_sign_in(page: Page, somebody: tuple[str, str]) -> None:
    name, password = somebody
    _sign_in(page, name, password)
    expect(page.get_by_role("heading", name="Home")).to_be_attached()
    page.wait_for_load_state()
    page.get_by_role("button", name=WELCOME).click()
    page.get_by_role("link", name="My account").click()
    page.get_by_role("link", name="Second factor").click()
    page.locator("#app-password").fill(password)
    page.get_by_role("button", name="Add an app").click()
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    app = pyotp.TOTP(page.locator("#secret").inner_text())
    page.get_by_label("Code", exact=True).fill(app.now())
    page.get_by_role("button", name="Use this app").click()
    recovery = page.locator("#codes").inner_text().split()
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_text("10 left")).to_be_visible()
    _sign_out(page)
    _sign_in(page, name, password)
    expect(page.get_by_role("heading", name="Second factor")).to_be_visible()
    page.get_by_label("Code of your app").fill("000000")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_text("This code is not right")).to_be_visible()
    page.get_by_label("Code of your app").fill(recovery[0])
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("button", name=WELCOME)).to_be_visible()


def test_a_passkey_is_a_second_factor_and_signs_in_alone(device: Page, somebody: tuple[str, str]) -> None:
    name, password = somebody
    _sign_in(device, name, password)
    _add_passkey(device, password)
    _sign_out(device)
    _sign_in(device, name, password)
    device.get_by_role("button", name="Use a passkey").click()
    expect(device.get_by_role("button", name=f"Account of {name}")).to_be_visible()
    _sign_out(device)
    device.goto("/sign-in?next=/account")
    device.get_by_role("button", name="Sign in with a passkey").click()
    expect(device.get_by_role("heading", name="My account")).to_be_visible()
    expect(device.get_by_role("row", name=re.compile("this one.*passkey"))).to_be_visible()


def test_a_passkey_that_was_removed_opens_nothing(device: Page, somebody: tuple[str, str]) -> None:
    name, password = somebody
    _sign_in(device, name, password)
    _add_passkey(device, password)
    device.goto("/account/second-factor")
    device.get_by_role("button", name="Remove", exact=True).click()
    device.get_by_role("dialog").get_by_label("Your password").fill(password)
    device.get_by_role("button", name="Remove it").click()
    expect(device.get_by_text("The passkey is removed")).to_be_visible()
    _sign_out(device)
    device.get_by_role("button", name="Sign in with a passkey").click()
    expect(device.get_by_role("heading", name="Passkey refused")).to_be_visible()


def test_a_wrong_password_adds_no_passkey_and_says_so(device: Page, somebody: tuple[str, str]) -> None:
    name, password = somebody
    _sign_in(device, name, password)
    device.goto("/account/second-factor")
    device.get_by_label("Name of the device").fill("my laptop")
    device.locator("#passkey-password").fill("not my password")
    device.get_by_role("button", name="Add a passkey").click()
    expect(device.get_by_text("This is not your present password.")).to_be_visible()
