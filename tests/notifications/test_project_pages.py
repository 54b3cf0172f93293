"""The targets of a project: for its admins alone, told what happens in the project and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from selfservice.accounts.models import Person
from selfservice.notifications.events import Event, EventKind
from selfservice.notifications.notices import Notices
from selfservice.notifications.outbox import Outbox
from selfservice.notifications.postbox import Answer, Postbox
from selfservice.notifications.targets import Owner
from selfservice.scope import Scope
from selfservice.web.services import Services
from tests.projects.conftest import ROOT, Zebra, as_person, person, services, settings, zebra  # noqa: F401  # a project

PATH = "/projects/zebra/notifications"
EVENTS = ["run:failed", "node:down", "approval:waiting", "alert"]
FORM = {"title": "Keepers", "url": "jsons://bob:canary-7261@example.org/hook", "events": EVENTS}


@pytest.fixture(autouse=True)
def _look_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an address is takes a second to find out; test_guard.py does."""
    monkeypatch.setattr(Postbox, "look", lambda *_: Answer("JSON", "example.org"))


@pytest.fixture
def adam(zebra: Zebra, as_person: Callable[[str], FlaskClient], csrf_of: Callable[..., str]) -> FlaskClient:  # noqa: F811
    """An admin of the project, who has added a target."""
    client = as_person("adam")
    answer = client.post(PATH, data={"csrf_token": csrf_of(client, PATH), **FORM})
    assert answer.headers["Location"].endswith(PATH), answer.get_data(as_text=True)
    return client


def only(services: Services) -> int:  # noqa: F811
    (target,) = services.targets.of(Owner(project="zebra"))
    return target.id


def test_its_address_is_shown_to_admins_without_the_secret(adam: FlaskClient, services: Services) -> None:  # noqa: F811
    for path in (PATH, f"{PATH}/{only(services)}", "/projects/zebra"):
        page = adam.get(path).get_data(as_text=True)
        assert "example.org" in page
        assert "canary-7261" not in page
    assert services.targets.of(Owner(person="adam")) == []


def test_the_same_goes_by_api_for_its_admins_alone(
    adam: FlaskClient,
    services: Services,  # noqa: F811
    as_person: Callable[[str], FlaskClient],  # noqa: F811
    csrf_of: Callable[..., str],
) -> None:
    path, number = f"/api/v1{PATH}/targets", only(services)

    def call(client: FlaskClient, method: str, where: str, **named: object) -> TestResponse:
        return client.open(where, method=method, headers={"X-CSRFToken": csrf_of(client)}, **named)

    (listed,) = adam.get(path).json["targets"]
    assert (listed["id"], listed["host"], "canary" in str(listed)) == (number, "example.org", False)
    more = call(adam, "POST", path, json={"title": "More", "url": "jsons://example.org/other", "events": ["node:down"]})
    assert (more.status_code, more.json["events"]) == (201, ["node:down"])
    changed = call(adam, "PUT", f"{path}/{more.json['id']}", json={"title": "Less", "events": []})
    assert (changed.json["title"], changed.json["events"]) == ("Less", [])
    sent = call(adam, "POST", f"{path}/{more.json['id']}/test").json["delivery"]
    assert [each["id"] for each in adam.get(f"/api/v1{PATH}/deliveries").json["deliveries"]] == [sent]
    assert call(adam, "DELETE", f"{path}/{more.json['id']}").status_code == 204
    assert only(services) == number
    for name, status in (("wanda", 403), ("charlie", 404)):
        other = as_person(name)
        assert [other.get(each).status_code for each in (path, f"/api/v1{PATH}/deliveries")] == [status] * 2
        assert call(other, "DELETE", f"{path}/{number}").status_code == status


@pytest.mark.parametrize(("name", "status"), [("wanda", 403), ("rita", 403), ("charlie", 404), ("erin", 404)])
def test_nobody_else_opens_the_page_or_learns_where_it_goes(
    adam: FlaskClient,
    services: Services,  # noqa: F811
    as_person: Callable[[str], FlaskClient],  # noqa: F811
    csrf_of: Callable[..., str],
    name: str,
    status: int,
) -> None:
    other = as_person(name)
    number = only(services)
    assert [other.get(f"{PATH}{each}").status_code for each in ("", f"/{number}", "/deliveries")] == [status] * 3
    for path in (f"{PATH}/{number}/remove", f"{PATH}/{number}/test", f"/account/notifications/{number}/remove"):
        assert other.post(path, data={"csrf_token": csrf_of(other)}).status_code in (status, 404)
    assert "example.org" not in other.get("/projects/zebra").get_data(as_text=True)
    assert only(services) == number


def test_it_is_changed_tested_and_removed(adam: FlaskClient, services: Services, csrf_of: Callable[..., str]) -> None:  # noqa: F811
    number, csrf = only(services), csrf_of(adam, PATH)
    adam.post(f"{PATH}/{number}", data={"csrf_token": csrf, "title": "Night keepers", "events": ["run:slow"]})
    (target,) = services.targets.of(Owner(project="zebra"))
    assert (target.title, target.events) == ("Night keepers", ["run:slow"])
    adam.post(f"{PATH}/{number}/test", data={"csrf_token": csrf})
    assert "a test that adam asked for" in adam.get(f"{PATH}/deliveries").get_data(as_text=True)
    adam.post(f"{PATH}/{number}/remove", data={"csrf_token": csrf})
    assert services.targets.of(Owner(project="zebra")) == []
    bad = adam.post(PATH, data={"csrf_token": csrf, **FORM, "title": ""})
    assert (bad.status_code, "1 to 80 characters" in bad.get_data(as_text=True)) == (422, True)


def told(services: Services) -> list[str]:  # noqa: F811
    """What the targets of the project have to be told, after looking once."""
    outbox = Outbox(
        services.settings,
        services.database,
        services.accounts,
        services.sights.of,
        lambda _target: None,
        services.sights.of_project,
    )
    outbox._spread()
    return sorted(delivery.text for delivery, _ in services.targets.deliveries(Owner(project="zebra")))


def test_it_is_told_what_is_of_the_project_and_nothing_else(adam: FlaskClient, services: Services) -> None:  # noqa: F811
    notices = Notices(services.database)
    for number, (kind, text, scope, private) in enumerate(
        [
            (EventKind.RUN_FAILED, "in it", Scope("zebra"), False),
            (EventKind.NODE_DOWN, "its host", Scope(hosts=("zebra-1",)), False),
            (EventKind.APPROVAL_WAITING, "its request", Scope("zebra"), True),
            (EventKind.RUN_SLOW, "not asked for", Scope("zebra"), False),
            (EventKind.ALERT, "to one person", Scope("zebra"), True),
            (EventKind.RUN_FAILED, "of another project", Scope("lion"), False),
            (EventKind.NODE_DOWN, "of no project", Scope(hosts=("master",)), False),
            (EventKind.RUN_FAILED, "half of it", Scope(hosts=("zebra-1", "lion-1")), False),
        ]
    ):
        notices.tell(Event(kind, text, str(number), scope=scope, private=private, people=("adam",)))
    assert told(services) == ["in it", "its host", "its request"]


def test_its_admins_are_those_who_look_after_it(
    adam: FlaskClient,
    services: Services,  # noqa: F811
    person: Callable[[str], Person],  # noqa: F811
) -> None:
    person("wanda")
    assert services.access.admins("zebra") == ("adam",)


def test_another_project_of_that_name_does_not_inherit_them(adam: FlaskClient, services: Services) -> None:  # noqa: F811
    services.projects.remove("zebra", ROOT)
    assert services.targets.of(Owner(project="zebra")) == []
