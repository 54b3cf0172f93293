"""`python -m tests.browser.screenshots FOLDER` writes every page, both themes, phone and desktop."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.browser import homes, person
from tests.browser.chromium import CHROMIUM, chromium
from tests.browser.every_page import ALERTED, EMPTY, FLEET, FOREIGN, INSIDE, OUTSIDE, open_page
from tests.browser.fleet import sample_fleet
from tests.browser.samples import Samples, make_samples, sample_alerts, sample_playbooks, workers_and_a_dead_host
from tests.system.master import Master, start

THEMES = ("dark", "light")
SIZES = {390: 844, 1440: 900}


def main(folder: Path) -> None:
    """Write the screenshots into `folder`."""
    if CHROMIUM is None:
        sys.exit("Screenshots need Chromium: apt-get install chromium")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home, chromium() as browser:
        with _master(_made(home, "empty"), "all: {}\n") as empty:
            _write(browser, empty, folder, {"empty-" + name: address for name, address in EMPTY.items()}, None)
        with _master(_made(home, "fleet"), "all: {}\n") as master, sample_fleet(master):
            _write(browser, master, folder, FLEET, None)
        with workers_and_a_dead_host(_made(home, "sshd")) as inventory, _master(_made(home, "full"), inventory) as full:
            samples = make_samples(full)
            _write(browser, full, folder, {**INSIDE, **FOREIGN}, samples)
            people = homes.add_people(full)
            homes.make_work(full)
            _write_homes(browser, full, folder, people)
            with sample_alerts(full):
                _write(browser, full, folder, ALERTED, samples)


def _made(home: str, name: str) -> Path:
    folder = Path(home) / name
    folder.mkdir()
    return folder


@contextmanager
def _master(home: Path, inventory: str) -> Iterator[Master]:
    playbooks = sample_playbooks(home)
    homes.add_sales_operations(playbooks)
    started = start(home, inventory, SELFSERVICE_PLAYBOOKS=str(playbooks))
    yield started
    started.stop()


def _write(browser: Browser, master: Master, folder: Path, pages: dict[str, str], samples: Samples | None) -> None:
    """Every one of `pages`, and those for strangers, in both themes and sizes."""
    for width, height in SIZES.items():
        viewport = {"width": width, "height": height}
        with browser.new_context(base_url=master.url, viewport=viewport, reduced_motion="reduce") as context:  # type: ignore[arg-type]
            page = context.new_page()
            if samples:
                _shoot(page, master, folder, OUTSIDE, None, width)
            person.sign_in(page)
            page.get_by_role("heading", name="Home").wait_for(state="attached")
            _shoot(page, master, folder, pages, samples, width)


def _write_homes(browser: Browser, master: Master, folder: Path, people: dict[str, str]) -> None:
    """What each of `people`, by name and password, sees first."""
    for width, height in SIZES.items():
        for name, password in people.items():
            viewport = {"width": width, "height": height}
            with browser.new_context(base_url=master.url, viewport=viewport, reduced_motion="reduce") as context:  # type: ignore[arg-type]
                page = context.new_page()
                person.sign_in(page, password, name)
                page.get_by_role("heading", name="Home").wait_for(state="attached")
                _shoot(page, master, folder, {f"home-of-{homes.ROLES[name]}": "/"}, None, width)


def _shoot(
    page: Page, master: Master, folder: Path, pages: dict[str, str], samples: Samples | None, width: int
) -> None:
    for theme in THEMES:
        page.context.add_cookies([{"name": "theme", "value": theme, "url": master.url}])
        for name, address in pages.items():
            open_page(page, address, samples)
            page.screenshot(path=folder / f"{name}-{theme}-{width}.png", full_page=True, animations="disabled")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
