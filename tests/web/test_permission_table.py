"""Who may open what is written down, and is so."""

from __future__ import annotations

from apiflask import APIFlask

from selfservice.settings import CHECKOUT
from tests.web.permission_table import table


def test_every_route_opens_to_those_the_table_names_and_to_nobody_else(app: APIFlask) -> None:
    written = (CHECKOUT / "docs" / "permissions.md").read_text(encoding="utf-8").splitlines()
    measured = table(app).splitlines()
    assert measured == written, "Look at the difference; where it is meant, `make permissions` writes it down."
