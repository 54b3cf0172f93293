"""Every page of the dashboard by name, as tests and screenshots walk through them."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.samples import Samples

#: Pages for who is not signed in.
OUTSIDE = {
    "sign-in": "/sign-in",
    "forgotten-password": "/forgotten-password",
    "sign-up-closed": "/sign-up",
    "begin-again": "/sign-in/second-factor",
}

#: Pages that a fresh master, where nothing has happened, has.
EMPTY = {
    "home": "/",
    "commands": "/commands",
    "runs": "/runs",
    "files": "/files",
    "requests": "/requests",
    "hosts": "/hosts",
    "health": "/health?q=nothing",
    "nodes": "/nodes",
    "calls": "/calls",
    "history": "/history?q=nothing",
    "alerts": "/alerts",
    "tokens": "/account/tokens",
    "projects": "/projects",
    "teams": "/teams",
    "access": "/access",
}

#: Pages with something on them; `{failed}` and the like stand for the sample run of that name.
INSIDE = {
    "home": "/",
    "commands": "/commands?hosts=workers&command=df+-h+/",
    "runs": "/runs",
    "runs-none-found": "/runs?q=nothing-is-called-so",
    "run-output": "/runs/{successful}",
    "run-failed": "/runs/{failed}",
    "run-hosts": "/runs/{failed}#hosts",
    "run-timeline": "/runs/{successful}#timeline",
    "run-changes": "/runs/{failed}#changes",
    "run-details": "/runs/{failed}#details",
    "run-unreachable": "/runs/{unreachable}",
    "run-canceled": "/runs/{canceled}",
    "run-running": "/runs/{running}",
    "run-compare": "/runs/{repeated}/compare/{successful}",
    "operations": "/operations",
    "operations-none-found": "/operations?q=nothing-is-called-so",
    "operation": "/operations/run_script?hosts=web-1",
    "operation-every-kind": "/operations/every_kind?hosts=web-1",
    "operation-broken": "/operations/misspelt",
    "operation-dangerous": "/operations/reboot?hosts=web-1",
    "requests": "/requests",
    "requests-for-me": "/requests?show=for-me",
    "request": "/requests/{request}",
    "request-change": "/requests/{request}/change",
    "operation-approval": "/operations/leave_note?hosts=master",
    "schedules": "/schedules",
    "schedule": "/schedules/1",
    "schedule-new": "/schedules/new?hosts=web-1",
    "blackouts": "/blackouts",
    "files": "/files",
    "files-found": "/files/example?q=web",
    "files-none-found": "/files/example?q=nothing-is-called-so",
    "file": "/files/example/view?path=site.yml",
    "file-history": "/files/example/history?path=site.yml",
    "edit": "/edits/{edit}",
    "editor": "/edits/{edit}/file?path=group_vars/web.yml",
    "both-sides": "/edits/{contested}/sides",
    "repositories": "/repositories",
    "repository": "/repositories/example",
    "repository-new": "/repositories/new",
    "hosts": "/hosts",
    "health": "/health",
    "health-node": "/health/master",
    "nodes": "/nodes",
    "node": "/nodes/store-berlin-3",
    "calls": "/calls?type=list_folder&nodes=master",
    "calls-any-path": "/calls?type=http",
    "call": "/calls/{call}",
    "history": "/history",
    "account": "/account",
    "second-factor": "/account/second-factor",
    "email": "/account/email",
    "email-code": "/account/email/code",
    "password": "/account/password",
    "tokens": "/account/tokens",
    "projects": "/projects",
    "project": "/projects/shop",
    "project-edit": "/projects/shop/edit",
    "project-notifications": "/projects/shop/notifications",
    "project-new": "/projects/new",
    "teams": "/teams",
    "team": "/teams/night-shift",
    "access": "/access",
    "notifications": "/account/notifications",
    "deliveries": "/account/notifications/deliveries",
    "people": "/people",
    "person": "/people/admin",
    "roles": "/roles",
    "role": "/roles/technical-agent",
    "role-new": "/roles/new?like=viewer",
    "security": "/security",
    "groups": "/security/groups",
    "provider-new": "/security/providers/new",
    "provider-new-directory": "/security/providers/new?kind=ldap",
    "search": "/search?q=web",
    "error": "/runs/20200101T000000-abcdef",
}

#: Pages as they are while there are alerts.
ALERTED = {"home-alerted": "/", "alerts": "/alerts"}

#: Pages of a master with many nodes: tests/browser/fleet.py.
FLEET = {
    "fleet": "/health",
    "fleet-table": "/health?view=table",
    "fleet-none-found": "/health?q=nothing-is-called-so",
    "fleet-node": "/health/shop-2",
    "fleet-node-day": "/health/shop-2?range=24h",
    "fleet-node-never-heard": "/health/old-1?range=30d",
}

#: Pages that are somebody else's work inside our frame.
FOREIGN = {"api-docs": "/api/docs"}


def open_page(page: Page, address: str, samples: Samples | None = None) -> None:
    """Go there and wait until its scripts have drawn it."""
    page.goto("about:blank")  # a change of the fragment alone would not load the page anew
    page.goto(address.format(**vars(samples)) if samples else address)
    if "/runs/{" not in address or "compare" in address:
        page.wait_for_load_state("networkidle")
        return
    tab = address.partition("#")[2] or "output"
    expect(page.locator(f"#tab-{tab}")).to_have_attribute("aria-selected", "true")
    expect(page.locator("run-terminal .term-line").first).to_be_attached()
    if tab == "hosts":
        expect(page.locator("#matrix .matrix-cell").first).to_be_visible()
