"""The pages and routes of projects, teams and the access grid."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from flask.testing import FlaskClient

from selfservice.projects.access import Whom
from selfservice.scope import Level, Scope
from selfservice.web.services import Services
from tests.projects.conftest import ROOT, Zebra

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nnonsense\n-----END OPENSSH PRIVATE KEY-----\n"


@pytest.fixture
def post(csrf_of: Callable[..., str]) -> Callable[..., tuple[int, str]]:
    """Send a form as a page would."""

    def sent(client: FlaskClient, path: str, **form: object) -> tuple[int, str]:
        answer = client.post(path, data={"csrf_token": csrf_of(client), **form}, follow_redirects=True)
        return answer.status_code, answer.text

    return sent


def test_a_project_is_made_and_says_which_hosts_it_has(
    services: Services, as_person: Callable[..., FlaskClient], post: Callable[..., tuple[int, str]]
) -> None:
    admin = as_person("admin")
    form = {"name": "zebra", "title": "Zebra", "hosts": "zebras\r\n", "operations": "zebra_feed"}
    status, page = post(admin, "/projects/new", **form)
    assert (status, "zebra-2" in page, "zebra_feed" in page) == (200, True, True)
    status, page = post(admin, "/projects/new", **{**form, "name": "other", "hosts": "nowhere"})
    assert (status, "No host or group is called" in page) == (422, True)


@pytest.mark.parametrize(
    ("name", "opened"), [("charlie", 404), ("erin", 404), ("rita", 200), ("wanda", 200), ("adam", 200), ("manny", 200)]
)
def test_the_page_of_a_project_shows_access_and_secrets_to_its_admins_alone(
    name: str, opened: int, services: Services, zebra: Zebra, as_person: Callable[..., FlaskClient]
) -> None:
    services.secrets.set(services.projects.get("zebra"), "api_token", "hidden value", "", ROOT)
    answer = as_person(name).get("/projects/zebra")
    assert answer.status_code == opened
    assert ("api_token" in answer.text) is (name in ("adam", "manny"))
    assert "hidden value" not in answer.text


@pytest.mark.parametrize(("name", "outcome"), [("charlie", 404), ("rita", 403), ("wanda", 403), ("adam", 204)])
def test_secrets_are_set_by_admins_of_the_project(
    name: str, outcome: int, zebra: Zebra, as_person: Callable[..., FlaskClient], csrf_of: Callable[..., str]
) -> None:
    client = as_person(name)
    headers = {"X-CSRFToken": csrf_of(client)}
    answer = client.put("/api/v1/projects/zebra/secrets/token_a", json={"value": "some value"}, headers=headers)
    assert answer.status_code == outcome


def test_an_admin_of_a_project_cannot_take_other_hosts_into_it(
    zebra: Zebra, as_person: Callable[..., FlaskClient], post: Callable[..., tuple[int, str]]
) -> None:
    assert post(as_person("adam"), "/projects/zebra/edit", title="Zebra", hosts="all")[0] == 403


def test_the_second_of_two_people_is_told_what_the_first_has_changed(
    services: Services, zebra: Zebra, as_person: Callable[..., FlaskClient], post: Callable[..., tuple[int, str]]
) -> None:
    admin = as_person("admin")
    form = {"title": "Zebra", "hosts": "zebras", "operations": "zebra_feed", "repositories": "zebra-files"}
    post(admin, "/projects/zebra/edit", version=1, **{**form, "hosts": "zebra-1"})
    status, page = post(admin, "/projects/zebra/edit", version=1, **{**form, "title": "Zebras"})
    assert status == 409
    assert "hosts: zebra-1" in page
    assert "title: Zebra" in page
    assert post(admin, "/projects/zebra/edit", version=2, **{**form, "title": "Zebras"})[0] == 200


def test_the_second_of_two_people_is_told_how_the_first_reaches_its_hosts(
    zebra: Zebra, as_person: Callable[..., FlaskClient], post: Callable[..., tuple[int, str]]
) -> None:
    adam = as_person("adam")
    key = ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    assert post(adam, "/projects/zebra/ssh", version=1, user="deploy", key=key.decode())[0] == 200
    status, page = post(adam, "/projects/zebra/ssh", version=1, user="root", port="2222")
    assert status == 409
    assert "it is now: user: deploy; port: none; key: ssh-ed25519 " in page
    assert key.decode().splitlines()[1] not in page
    assert 'value="2222"' in page, "what was typed stays"
    assert post(adam, "/projects/zebra/ssh", version=2, user="root", port="2222")[0] == 200


def test_a_key_that_cannot_be_used_is_refused_and_never_shown(
    services: Services, zebra: Zebra, as_person: Callable[..., FlaskClient], post: Callable[..., tuple[int, str]]
) -> None:
    adam = as_person("adam")
    status, page = post(adam, "/projects/zebra/ssh", version=1, user="deploy", key=KEY)
    assert (status, "cannot be used" in page, "nonsense" in page) == (422, True, False)
    status, page = post(adam, "/projects/zebra/ssh", version=1, jump="-oProxyCommand=id")
    assert (status, "user@host:port" in page) == (422, True)
    status, page = post(adam, "/projects/zebra/ssh", version=1, user="deploy", port="2222", jump="me@gate:22")
    assert (status, "deploy" in page, "2222" in page) == (200, True, True)


def test_the_grid_changes_what_was_changed_in_it_and_tells_what_somebody_else_did(
    services: Services, zebra: Zebra, as_person: Callable[..., FlaskClient], post: Callable[..., tuple[int, str]]
) -> None:
    as_person("rita")
    erin = as_person("erin")
    admin = as_person("admin")
    assert "Access of rita to Zebra" in admin.get("/access").text
    cells = {"access/person/erin/zebra": "write", "seen/access/person/erin/zebra": "none"}
    assert post(admin, "/access", **cells)[0] == 200
    assert erin.get("/projects/zebra").status_code == 200
    stale = {"access/person/rita/zebra": "none", "seen/access/person/rita/zebra": "write"}
    status, page = post(admin, "/access", **stale)
    assert (status, "it is now “read”, and was “write” when you looked" in page) == (409, True)


def test_a_cell_of_the_grid_says_what_it_is_now_where_somebody_else_was_faster(
    zebra: Zebra, as_person: Callable[..., FlaskClient], csrf_of: Callable[..., str]
) -> None:
    as_person("rita")
    admin = as_person("admin")
    cell = {"kind": "person", "name": "rita", "level": "admin", "seen": "none"}
    headers = {"X-CSRFToken": csrf_of(admin)}
    answer = admin.put("/api/v1/projects/zebra/access", json=cell, headers=headers)
    assert (answer.status_code, answer.json["now"]) == (409, "read")


def test_a_team_gets_its_members_access(
    services: Services, zebra: Zebra, as_person: Callable[..., FlaskClient], post: Callable[..., tuple[int, str]]
) -> None:
    as_person("erin")
    admin = as_person("admin")
    assert post(admin, "/teams", name="night-shift")[0] == 200
    assert post(admin, "/teams/night-shift", version=1, members="erin")[0] == 200
    status, page = post(admin, "/teams/night-shift", version=1, members="")
    assert (status, "Now in it: erin" in page) == (409, True)
    services.access.give(services.projects.get("zebra"), Whom("team", "night-shift"), "read", ROOT)
    assert services.sights.of(services.accounts.people.get("erin")).level(Scope("zebra")) is Level.READ


def test_a_connection_test_is_a_run_of_the_project(
    zebra: Zebra, as_person: Callable[..., FlaskClient], post: Callable[..., tuple[int, str]]
) -> None:
    status, page = post(as_person("adam"), "/projects/zebra/ssh/test")
    assert (status, "Connection test" in page, "It is being tried." in page) == (200, True, True)


def test_where_there_are_several_projects_the_forms_ask_which(
    zebra: Zebra, as_person: Callable[..., FlaskClient]
) -> None:
    assert 'name="project"' in as_person("admin").get("/commands").text
    page = as_person("wanda").get("/commands").text
    assert 'name="project"' not in page
    assert "On hosts of the project zebra" in page


def test_schedules_of_somebody_put_out_of_use_are_disabled_and_can_be_taken_over(
    services: Services, zebra: Zebra, as_person: Callable[..., FlaskClient], post: Callable[..., tuple[int, str]]
) -> None:
    wanda, admin = as_person("wanda"), as_person("admin")
    plan = {"title": "Hers", "what": "command", "command": "id", "hosts": "zebra-1", "every": "day", "zone": "UTC"}
    assert post(wanda, "/schedules/new", **plan, at="02:00", enabled="on")[0] == 200
    schedule = next(each for each in services.schedules.all() if each.title == "Hers")
    status, page = post(admin, "/people/wanda", version=1, display_name="Wanda", role="project-member")
    assert (status, "1 schedule of theirs: disabled" in page) == (200, True)
    assert not services.schedules.get(schedule.id).enabled
    changed = {**plan, "at": "03:00", "enabled": "on", "version": services.schedules.get(schedule.id).version}
    assert post(admin, f"/schedules/{schedule.id}/edit", **changed)[0] == 200
    assert (services.schedules.get(schedule.id).owner, services.schedules.get(schedule.id).enabled) == ("admin", True)
