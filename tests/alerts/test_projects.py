"""Alerts about a project, by the API: said and read within what the caller sees."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from selfservice.projects.access import Whom
from selfservice.web.services import Services
from tests.conftest import ADMIN_PASSWORD
from tests.projects.conftest import AUTHOR, ROOT, Zebra, as_person, person, services, settings, zebra  # noqa: F401

RIGHTS = ["alert:send", "alert:read", "project:read", "home:view", "account:self"]
Send = Callable[..., TestResponse]


@pytest.fixture
def send(app: APIFlask, services: Services, zebra: Zebra, make_token: Callable[..., str]) -> Send:  # noqa: F811
    """Somebody who may send alerts, and has access to the project zebra alone."""
    services.accounts.roles.create("keeper", "", RIGHTS, AUTHOR)
    services.accounts.create_person("kate", ADMIN_PASSWORD, ROOT, role="keeper")
    services.access.give(services.projects.get("zebra"), Whom("person", "kate"), "read", ROOT)
    token = {"Authorization": f"Bearer {make_token('bell', 'administer', 'kate')}"}

    def sent(**named: str) -> TestResponse:
        return app.test_client().post("/api/v1/alerts", json={"message": "The zebras are out.", **named}, headers=token)

    return sent


def messages(client: FlaskClient, **query: str) -> list[str]:
    found = client.get("/api/v1/alerts", query_string=query).get_json()
    return [each["message"] for each in found["alerts"]]


def test_only_those_with_access_see_an_alert_about_the_project(
    send: Send,
    as_person: Callable[[str], FlaskClient],  # noqa: F811
) -> None:
    assert send(project="zebra").status_code == 201
    rita, charlie = as_person("rita"), as_person("charlie")
    assert "The zebras are out." in messages(rita)
    assert "The zebras are out." not in messages(charlie)
    assert messages(rita, project="zebra") == ["The zebras are out."]
    assert messages(rita, project="lion") == []
    shown = rita.get("/api/v1/alerts", query_string={"project": "zebra"}).get_json()["alerts"][0]
    assert (shown["project"], shown["host"]) == ("zebra", "")


@pytest.mark.parametrize(
    ("about", "status"),
    [({"project": "lion"}, 404), ({"project": "unicorn"}, 404), ({"host": "lion-1"}, 422), ({"host": "zebra-1"}, 201)],
)
def test_nobody_names_what_they_do_not_see(send: Send, about: dict[str, str], status: int) -> None:
    assert send(**about).status_code == status


def test_an_alert_about_what_is_hidden_reads_like_one_about_nothing_there(send: Send) -> None:
    told = [send(project=name).get_json()["detail"].replace(name, "…") for name in ("lion", "unicorn")]
    assert told[0] == told[1]
