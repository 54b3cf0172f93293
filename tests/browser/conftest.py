"""A master with SSH hosts and a browser for all browser tests, a fresh visitor for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from tests.browser import person
from tests.browser.chromium import CHROMIUM, chromium
from tests.browser.samples import Samples, make_samples, sample_playbooks, workers_and_a_dead_host
from tests.system import sshd
from tests.system.master import Master, start
from tests.tasks.conftest import SITE_TYPES

expect.set_options(timeout=60_000)

#: The setting that names the folder of a site's own task types.
SITE = "SELFSERVICE_TASKS_FOLDER"

#: Pages that a test opens have this size unless it says otherwise.
DESKTOP = {"width": 1440, "height": 900}


@pytest.fixture(autouse=True)
def _skip_without_its_programs(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("sshd") and sshd.SSHD is None:
        pytest.skip("needs an SSH server: apt-get install openssh-server")


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium, for as long as browser tests go on."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with chromium() as started:
        yield started


@pytest.fixture(scope="package")
def master(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Master]:
    """A master with the hosts master, web-1, web-2 and db-1, which never answers."""
    with workers_and_a_dead_host(tmp_path_factory.mktemp("sshd")) as inventory:
        playbooks = sample_playbooks(tmp_path_factory.mktemp("operations"))
        home, site = tmp_path_factory.mktemp("master"), tmp_path_factory.mktemp("site")
        (site / "misbehaving.py").write_text(SITE_TYPES)
        settings = {"SELFSERVICE_CANCEL_GRACE": "1", "SELFSERVICE_PLAYBOOKS": str(playbooks), SITE: str(site)}
        started = start(home, inventory, **settings)
        yield started
        started.stop()


@pytest.fixture(scope="package")
def samples(master: Master) -> Samples:
    """A run of every kind, on that master."""
    return make_samples(master)


@pytest.fixture(scope="package")
def signed_in_state(browser: Browser, master: Master) -> dict[str, object]:
    """The cookies of somebody who has signed in."""
    with browser.new_context(base_url=master.url) as context:
        page = context.new_page()
        person.sign_in(page)
        expect(page.get_by_role("button", name="Account of admin")).to_be_visible()
        return dict(context.storage_state())


Visit = Callable[..., Page]


@pytest.fixture
def visit(browser: Browser, master: Master) -> Iterator[Visit]:
    """Opens pages in browsers of their own; whatever the browser complains about fails the test."""
    opened: list[BrowserContext] = []
    complaints: list[str] = []

    def go(**named: object) -> Page:
        settings = {"base_url": master.url, "viewport": DESKTOP, "reduced_motion": "reduce", **named}
        context = browser.new_context(**settings)  # type: ignore[arg-type]
        context.set_default_timeout(60_000)
        opened.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
        page.on("console", lambda message: complaints.extend(_complaint(message)))
        page.on("dialog", lambda dialog: complaints.append(f"{page.url} opened a dialog: {dialog.message}"))
        return page

    yield go
    for context in opened:
        context.close()
    assert not complaints


def _complaint(message: ConsoleMessage) -> list[str]:
    """What the console says, where something is wrong; a refused form is not."""
    address = message.location["url"]
    is_answer = message.text.startswith("Failed to load resource") and "/static/" not in address
    if message.type not in ("error", "warning") or (is_answer and "status of 4" in message.text):
        return []
    return [f"{address}: {message.text}"]


@pytest.fixture
def page(visit: Visit) -> Page:
    """The page of somebody who is not signed in."""
    return visit()


@pytest.fixture
def signed_in_page(visit: Visit, signed_in_state: dict[str, object]) -> Page:
    """The page of the first admin."""
    return visit(storage_state=signed_in_state)
