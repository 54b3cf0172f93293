"""The page of what groups of directories and providers give."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from selfservice.accounts.providers import ProviderSettings
from selfservice.audit.query import HistoryQuery
from selfservice.web.services import Services
from tests.conftest import ADMIN_PASSWORD
from tests.projects.conftest import AUTHOR, ROOT, Zebra

Post = Callable[..., TestResponse]


@pytest.fixture
def post(services: Services, zebra: Zebra, signed_in: FlaskClient, csrf_of: Callable[..., str]) -> Post:
    """What an administrator sends from the page; there is a provider called google."""
    values = {"title": "Google", "client_id": "x", "secret": "y", "enabled": True, "address": "https://example.org"}
    services.sign_in.providers.create("google", "openid", values, AUTHOR)
    csrf = csrf_of(signed_in)

    def sent(what: str, **form: str) -> TestResponse:
        return signed_in.post(f"/security/groups/{what}", data={"csrf_token": csrf, **form})

    return sent


def roles_of(services: Services) -> tuple[tuple[str, str], ...]:
    return ProviderSettings.model_validate(services.sign_in.providers.get("google").settings).group_roles


def test_a_group_gives_a_role_until_it_is_removed(post: Post, services: Services) -> None:
    assert post("roles", provider="google", group="ops", role="viewer").status_code == 303
    assert roles_of(services) == (("ops", "viewer"),)
    post("roles", provider="google", group="ops", role="technical-agent", seen="viewer")
    assert roles_of(services) == (("ops", "technical-agent"),)
    entry = services.history.search(HistoryQuery(limit=1)).entries[0]
    assert (entry.kind, entry.detail["group"], entry.detail["role"]) == (
        "provider:change",
        "ops",
        "viewer → technical-agent",
    )
    post("roles", provider="google", group="ops", role="", seen="technical-agent")
    assert roles_of(services) == ()


def test_a_group_gives_access_until_it_is_removed(post: Post, services: Services) -> None:
    zebra = services.projects.get("zebra")
    assert post("access", project="zebra", group="keepers", level="write").status_code == 303
    assert [(each.group_name, each.level) for each in services.access.groups(zebra)] == [("keepers", 2)]
    post("access", project="zebra", group="keepers", level="none", seen="write")
    assert services.access.groups(zebra) == []
    entry = services.history.search(HistoryQuery(limit=1)).entries[0]
    assert (entry.kind, entry.detail["access"]) == ("project:access", "write → none")


@pytest.mark.parametrize(
    ("what", "form", "status", "sentence"),
    [
        ("roles", {"provider": "google", "group": "ops", "role": "viewer"}, 422, "ops gives the role viewer already"),
        ("roles", {"provider": "google", "group": "ops", "role": "", "seen": "sales-agent"}, 409, "it is now viewer"),
        ("roles", {"provider": "google", "group": "new", "role": "unicorn"}, 422, "unicorn"),
        ("roles", {"provider": "elsewhere", "group": "new", "role": "viewer"}, 404, "elsewhere"),
        ("access", {"project": "zebra", "group": "ops", "level": "write"}, 422, "gives the access read to Zebra"),
        ("access", {"project": "zebra", "group": "ops", "level": "none", "seen": "write"}, 409, "now “read”"),
        ("access", {"project": "zebra", "group": "new", "level": "king"}, 422, "Access is one of"),
        ("access", {"project": "unicorn", "group": "new", "level": "read"}, 404, "unicorn"),
    ],
)
def test_conflicts_and_mistakes_are_told(
    post: Post, what: str, form: dict[str, str], status: int, sentence: str
) -> None:
    post("roles", provider="google", group="ops", role="viewer")
    post("access", project="zebra", group="ops", level="read")
    answer = post(what, **form)
    assert (answer.status_code, sentence in answer.get_data(as_text=True)) == (status, True)


def test_whoever_decides_about_sign_in_gives_no_access_to_projects_of_others(
    post: Post,
    services: Services,
    client: FlaskClient,
    sign_in: Callable[..., FlaskClient],
    csrf_of: Callable[..., str],
) -> None:
    rights = ["security:edit", "project:read", "project:manage", "home:view", "account:self", "alert:read"]
    services.accounts.roles.create("guard", "", rights, AUTHOR)
    services.accounts.create_person("gina", ADMIN_PASSWORD, ROOT, role="guard")
    gina = sign_in(client, "gina")
    form = {"csrf_token": csrf_of(gina), "project": "zebra", "group": "ginas", "level": "admin"}
    assert gina.post("/security/groups/access", data=form).status_code == 404
    assert "Zebra" not in gina.get("/security/groups").get_data(as_text=True)
    beyond = {"csrf_token": csrf_of(gina), "provider": "google", "group": "ginas", "role": "administrator"}
    assert gina.post("/security/groups/roles", data=beyond).status_code == 403
