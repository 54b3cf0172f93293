"""Alerts reach the people they are for, once, until they are dismissed or expire."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from selfservice.alerts.alerts import AlertNotFound, Alerts, NewAlert, Severity
from selfservice.alerts.models import Alert
from selfservice.audit.actions import Actor
from selfservice.audit.journal import Journal
from selfservice.errors import BadInput, Forbidden
from selfservice.settings import Settings
from selfservice.store.database import Database
from tests.records import database_url  # noqa: F401

SENDER = Actor("monitoring", "token", "192.0.2.9")


@pytest.fixture
def database(settings: Settings) -> Database:
    return Database(settings)


@pytest.fixture
def alerts(settings: Settings, database: Database) -> Alerts:
    return Alerts(database, Journal(settings.audit, settings.node_name))


def said_to(alerts: Alerts, person: str) -> list[str]:
    return [alert.message for alert in alerts.open_for(person)]


def test_an_alert_is_for_everyone_or_for_those_named(alerts: Alerts) -> None:
    alerts.send(NewAlert("All of you"), SENDER)
    alerts.send(NewAlert("Only you", to=("alice", "alice")), SENDER)
    assert said_to(alerts, "alice") == ["Only you", "All of you"]
    assert said_to(alerts, "bob") == ["All of you"]


def test_dismissing_is_each_persons_own(alerts: Alerts) -> None:
    alert_id = alerts.send(NewAlert("Disk full"), SENDER)
    alerts.dismiss(alert_id, "alice")
    alerts.dismiss(alert_id, "alice")
    assert (said_to(alerts, "alice"), said_to(alerts, "bob")) == ([], ["Disk full"])
    assert [alert.open for alert in alerts.page_for("alice", only_open=False).alerts] == [False]


def test_what_is_not_for_bob_does_not_exist_for_him(alerts: Alerts) -> None:
    alert_id = alerts.send(NewAlert("Only you", to=("alice",)), SENDER)
    with pytest.raises(AlertNotFound):
        alerts.dismiss(alert_id, "bob")


def test_an_alert_expires(alerts: Alerts, database: Database) -> None:
    alert_id = alerts.send(NewAlert("Soon over", expires_in=60), SENDER)
    before = alerts.version()
    with database.session() as session:
        past = datetime.now(UTC) - timedelta(seconds=1)
        session.execute(update(Alert).where(Alert.id == alert_id).values(expires_at=past))
    assert said_to(alerts, "alice") == []
    assert alerts.version() != before


def test_an_alert_with_a_key_is_said_once_however_many_say_it(alerts: Alerts) -> None:
    with ThreadPoolExecutor(8) as pool:
        sent = list(pool.map(lambda _: alerts.send(NewAlert("Slow", once="slow:1"), SENDER), range(16)))
    assert len(set(sent)) == 1
    assert said_to(alerts, "alice") == ["Slow"]


def test_withdrawing_is_for_the_sender_and_administrators(alerts: Alerts) -> None:
    alert_id = alerts.send(NewAlert("Wrong"), SENDER)
    with pytest.raises(Forbidden):
        alerts.withdraw(alert_id, Actor("bob", "session", "192.0.2.7"), may_all=False)
    alerts.withdraw(alert_id, SENDER, may_all=False)
    assert said_to(alerts, "alice") == []


@pytest.mark.parametrize(
    ("alert", "field"),
    [
        (NewAlert(" "), "message"),
        (NewAlert("x" * 501), "message"),
        (NewAlert("two\nlines"), "message"),
        (NewAlert("bell\a"), "message"),
        (NewAlert("x", link="javascript:alert(1)"), "link"),
        (NewAlert("x", link="//elsewhere.example"), "link"),
        (NewAlert("x", link="/\\elsewhere.example"), "link"),
        (NewAlert("x", link="https://"), "link"),
        (NewAlert("x", expires_in=0), "expires_in"),
        (NewAlert("x", expires_in=10**9), "expires_in"),
    ],
)
def test_what_cannot_be_said_is_refused_by_field(alerts: Alerts, alert: NewAlert, field: str) -> None:
    with pytest.raises(BadInput) as caught:
        alerts.send(alert, SENDER)
    assert caught.value.field == field


def test_links_lead_to_this_node_or_the_web(alerts: Alerts) -> None:
    for link in ("/runs?state=failed", "https://status.example.org/a"):
        alerts.send(NewAlert("x", link=link), SENDER)
    assert len(said_to(alerts, "alice")) == 2


def test_pages_go_on_where_the_last_one_ended(alerts: Alerts) -> None:
    for number in range(5):
        alerts.send(NewAlert(str(number), Severity.WARNING), SENDER)
    first = alerts.page_for("alice", only_open=True, limit=3)
    rest = alerts.page_for("alice", only_open=True, limit=3, cursor=first.next_cursor)
    assert [alert.message for alert in (*first.alerts, *rest.alerts)] == ["4", "3", "2", "1", "0"]
    assert rest.next_cursor is None


def test_what_expired_long_ago_is_forgotten(alerts: Alerts, database: Database) -> None:
    alert_id = alerts.send(NewAlert("Old", to=("alice",)), SENDER)
    alerts.dismiss(alert_id, "alice")
    with database.session() as session:
        session.execute(update(Alert).values(expires_at=datetime.now(UTC) - timedelta(days=31)))
    assert alerts.forget_expired() == 1
    assert alerts.page_for("alice", only_open=False).alerts == ()
