"""A permission brings a panel, whichever role it comes from."""

from __future__ import annotations

import pytest

from selfservice.accounts.builtin_roles import BUILTIN_ROLES
from selfservice.accounts.permissions import EVERYBODY, Permission, with_brought
from selfservice.home.figures import FIGURES
from selfservice.home.panels import PANELS, panels_for
from selfservice.settings import CHECKOUT

TECHNICAL = ["for_me", "runs", "operations", "my_requests", "health", "projects", "schedules", "hosts", "history"]


def of(permissions: frozenset[Permission]) -> list[str]:
    return [each.name for each in panels_for(permissions.__contains__)]


@pytest.mark.parametrize(
    ("role", "panels"),
    [
        ("administrator", ["for_me", "oversight", *TECHNICAL[1:]]),
        ("technical-agent", TECHNICAL),
        ("project-member", TECHNICAL),
        ("sales-agent", ["ask", "my_requests", "health", "projects"]),
        ("viewer", ["runs", "health", "projects", "schedules", "history"]),
    ],
)
def test_each_role_that_comes_with_the_program_gets_its_panels(role: str, panels: list[str]) -> None:
    (found,) = [each for each in BUILTIN_ROLES if each.name == role]
    assert of(found.permissions) == panels


def test_a_role_of_ones_own_gets_what_its_permissions_bring() -> None:
    assert of(EVERYBODY) == []
    assert of(EVERYBODY | {Permission.SCHEDULE_READ}) == ["schedules"]
    assert of(with_brought(EVERYBODY | {Permission.OPERATION_LAUNCH})) == ["operations", "my_requests"]


def test_every_panel_has_its_figures_and_its_template() -> None:
    names = [each.name for each in PANELS]
    assert list(FIGURES) == names
    assert all((CHECKOUT / "templates" / "home" / f"_{name}.html").exists() for name in names)
