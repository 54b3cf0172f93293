"""The Hosts page and the API of hosts."""

from __future__ import annotations

from flask.testing import FlaskClient

from selfservice.settings import Settings


def test_every_host_is_listed_with_a_way_to_run_a_command_on_it(signed_in: FlaskClient) -> None:
    page = signed_in.get("/hosts").text
    assert "master" in page
    assert "/commands?hosts=master" in page


def test_a_broken_inventory_is_said_where_the_person_is(signed_in: FlaskClient, settings: Settings) -> None:
    (settings.inventory / "hosts.yml").write_text("all: [")
    page = signed_in.get("/hosts")
    assert page.status_code == 200
    assert "The inventory cannot be read." in page.text


def test_the_api_says_which_hosts_a_pattern_means(signed_in: FlaskClient) -> None:
    assert signed_in.get("/api/v1/hosts/match?pattern=master").json == {
        "pattern": "master",
        "hosts": ["master"],
        "count": 1,
    }
    answer = signed_in.get("/api/v1/hosts/match?pattern=maste")
    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
    assert "Did you mean master" in answer.json["detail"]


def test_charlie_without_an_account_sees_no_hosts(client: FlaskClient) -> None:
    assert client.get("/hosts").status_code == 302
    assert client.get("/api/v1/hosts").status_code == 401
