"""Events arrive, by real servers: at least once, in digests, tried again, and to nobody whom they do not concern."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from selfservice.audit.actions import Actor
from selfservice.notifications.models import Delivery
from selfservice.notifications.outbox import Outbox
from selfservice.notifications.postbox import Postbox
from selfservice.notifications.targets import Owner
from tests.notifications.conftest import Mailbox, Receiver, Telling
from tests.records import everything_in


class Killed(BaseException):
    """Stands for kill -9: nothing catches it, nothing after it happens."""


def later(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def test_an_event_arrives_by_mail_as_one_line_with_its_link(telling: Telling, mailbox: Mailbox) -> None:
    telling.target(mailbox.url)
    telling.tell("web-1 is down.\nBcc: eve@example.org {{ 7 * 7 }} <b>", link="/health/web-1")
    telling.outbox.tick()
    [mail] = mailbox.mails
    text = "".join(
        part.get_payload(decode=True).decode()  # type: ignore[union-attr]
        for part in mail.walk()
        if part.get_content_type() == "text/plain"
    )
    assert mail["Subject"] == "Selfservice on master"
    assert "web-1 is down. Bcc: eve@example.org {{ 7 * 7 }} <b>" in text
    assert "https://self.example.org/health/web-1" in text
    assert mail["Bcc"] is None


def test_the_address_is_sealed_and_shown_by_kind_and_host_alone(telling: Telling, receiver: Receiver) -> None:
    number = telling.add(receiver.url.replace("json://", "json://bob:canary-7261@"))
    target = telling.get(number)
    assert (target.kind, target.host) == ("JSON", "127.0.0.1")
    assert "canary-7261" not in everything_in(telling.database)
    assert all("canary" not in path.read_text() for path in telling.settings.audit.iterdir() if path.is_file())


def test_the_same_event_is_told_once(telling: Telling, receiver: Receiver) -> None:
    telling.target(receiver.url)
    for _ in range(2):
        telling.tell("web-1 is down.", once="health:web-1")
        telling.outbox.tick(later(100))
    assert receiver.texts == ["web-1 is down."]


def test_a_flood_becomes_one_message(telling: Telling, receiver: Receiver) -> None:
    telling.target(receiver.url, digest_seconds=60)
    telling.tell("web-0 is down.")
    telling.outbox.tick()
    for number in range(1, 31):
        telling.tell(f"web-{number} is down.")
    telling.outbox.tick(later(30))
    assert len(receiver.got) == 1
    telling.outbox.tick(later(61))
    assert len(receiver.got) == 2
    assert receiver.got[1]["title"] == "Selfservice on master: 30 events"
    assert "web-20 is down" in receiver.texts[1]
    assert receiver.texts[1].endswith("and 10 more")


def test_what_does_not_arrive_is_tried_again_ever_later_and_then_given_up(telling: Telling, receiver: Receiver) -> None:
    number = telling.target(receiver.url)
    receiver.status = 500
    telling.tell("web-1 is down.")
    telling.outbox.tick()
    [delivery] = telling.deliveries()
    assert (delivery.state, delivery.attempts) == ("due", 1)
    assert "500" in delivery.error
    assert telling.get(number).failing_since is not None
    telling.outbox.tick(later(5))
    assert telling.deliveries()[0].attempts == 1
    telling.outbox.tick(later(11))
    telling.outbox.tick(later(72))
    assert telling.deliveries()[0].attempts == 3
    assert telling.failing == []
    telling.outbox.tick(later(1000))
    assert telling.failing == ["Hook"]
    telling.outbox.tick(later(25 * 3600))
    assert telling.deliveries()[0].state == "given_up"


def test_a_target_that_works_again_is_no_longer_failing(telling: Telling, receiver: Receiver) -> None:
    number = telling.target(receiver.url)
    receiver.status = 500
    telling.tell("web-1 is down.")
    telling.outbox.tick()
    receiver.status = 200
    telling.outbox.tick(later(11))
    assert receiver.texts == ["web-1 is down."]
    assert (telling.get(number).failing_since, telling.get(number).last_error) == (None, "")


def test_killed_before_it_was_sent_it_is_sent_after(
    telling: Telling, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    telling.target(receiver.url)
    telling.tell("web-1 is down.")

    def killed(*_: Any) -> Any:
        raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(Postbox, "send", killed)
        telling.outbox.tick()
    assert telling.deliveries()[0].state == "sending"
    telling.outbox.tick(later(61))
    telling.outbox.tick(later(80))
    assert receiver.texts == ["web-1 is down."]
    assert telling.deliveries()[0].state == "sent"


def test_killed_after_it_was_sent_it_is_known_and_not_sent_twice(
    telling: Telling, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    telling.target(receiver.url)
    telling.tell("web-1 is down.")

    def killed(*_: Any) -> Any:
        raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(Outbox, "_end", killed)
        telling.outbox.tick()
    assert receiver.texts == ["web-1 is down."]
    telling.outbox.tick(later(1))
    telling.outbox.tick(later(100))
    assert receiver.texts == ["web-1 is down."]
    assert telling.deliveries()[0].state == "sent"
    assert list((telling.settings.instance / "notifications").glob("*.json")) == []


def test_one_target_that_fails_keeps_no_other_waiting(telling: Telling, receiver: Receiver) -> None:
    telling.target("json://127.0.0.1:1/nobody")
    telling.target(receiver.url)
    telling.tell("web-1 is down.")
    telling.outbox.tick()
    assert receiver.texts == ["web-1 is down."]


def test_quiet_hours_collect(telling: Telling, receiver: Receiver) -> None:
    telling.target(receiver.url, quiet_from="22:00", quiet_until="06:00", zone="Europe/Berlin")
    telling.tell("web-1 is down.")
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    telling.outbox.tick(datetime.fromisoformat(f"{tomorrow}T22:30:00+00:00"))
    assert receiver.got == []
    telling.outbox.tick(datetime.fromisoformat(f"{tomorrow}T10:00:00+00:00"))
    assert receiver.texts == ["web-1 is down."]


def test_what_happened_before_there_was_a_target_is_not_told(telling: Telling, receiver: Receiver) -> None:
    telling.tell("Long ago.", at=datetime.now(UTC) - timedelta(minutes=1))
    telling.target(receiver.url)
    telling.outbox.tick()
    assert receiver.got == []


def test_somebody_without_an_account_is_told_nothing(telling: Telling, receiver: Receiver) -> None:
    telling.target(receiver.url)
    with telling.database.session() as session:
        person = session.merge(telling.accounts.people.get("alice"))
        person.active = False
    telling.tell("web-1 is down.")
    telling.outbox.tick()
    assert receiver.got == []


def test_a_test_is_sent_at_once_and_says_what_came_of_it(telling: Telling, receiver: Receiver) -> None:
    number = telling.target(receiver.url, quiet_from="00:00", quiet_until="23:59")
    telling.targets.test(number, Actor("alice", "session", "local"), Owner("alice"))
    receiver.status = 404
    telling.outbox.tick()
    [delivery] = telling.deliveries()
    assert (delivery.state, delivery.attempts) == ("given_up", 1)
    assert "404" in delivery.error


def test_old_deliveries_are_forgotten(telling: Telling, receiver: Receiver) -> None:
    telling.target(receiver.url)
    telling.tell("web-1 is down.")
    telling.outbox.tick()
    with telling.database.session() as session:
        session.execute(update(Delivery).values(at=datetime.now(UTC) - timedelta(days=31)))
    telling.outbox.forget_old()
    assert telling.deliveries() == []
