"""What people type as an address reaches neither this machine nor its network, whichever way it is written."""

from __future__ import annotations

from dataclasses import replace

import pytest

from selfservice.errors import BadInput
from selfservice.notifications.guard import is_public
from selfservice.notifications.postbox import Postbox
from selfservice.notifications.targets import Owner
from selfservice.settings import Settings
from tests.notifications.conftest import Mailbox, Receiver, Telling


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.0.1", "169.254.169.254", "0.0.0.0", "::1", "::", "fe80::1%eth0",
     "fd00::1", "::ffff:127.0.0.1", "100.64.0.1", "224.0.0.1", "2002:7f00:1::", "example.org", ""],
)  # fmt: skip
def test_not_for_everybody(host: str) -> None:
    assert not is_public(host)


@pytest.mark.parametrize("host", ["9.9.9.9", "2620:fe::fe"])
def test_for_everybody(host: str) -> None:
    assert is_public(host)


@pytest.fixture
def strict(settings: Settings) -> Postbox:
    """As it is unless the administrator says otherwise."""
    return Postbox(replace(settings, notify_private=False))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0", "[::1]", "[::ffff:127.0.0.1]"])
def test_this_machine_is_not_reached(strict: Postbox, receiver: Receiver, host: str) -> None:
    port = receiver.url.rpartition(":")[2]
    answer = strict.send("20261120T201455-7f3a9c", f"json://{host}:{port}", "Title", "Text")
    assert answer.error
    assert receiver.got == []


def test_it_is_said_which_address_was_meant(strict: Postbox, receiver: Receiver, mailbox: Mailbox) -> None:
    for url in (receiver.url, mailbox.url):
        answer = strict.send("20261120T201455-7f3a9c", url, "Title", "Text")
        assert (
            answer.error
            == "127.0.0.1 is an address of this machine or of a private network, where nothing may be sent."
        )
    assert (receiver.got, mailbox.mails) == ([], [])


@pytest.mark.parametrize(
    "url",
    ["syslog://", "file:///etc/passwd", "dbus://", "gnome://", "rsyslog://192.0.2.1", "nothing://at-all", "json://",
     "fcm://project@apikey/device?keyfile=/etc/passwd", "mailto://a:b@example.org?pgpkey=/etc/passwd",
     "config://example.org", "exec://id"],
)  # fmt: skip
def test_what_does_not_send_by_http_or_mail_is_not_offered(telling: Telling, url: str) -> None:
    with pytest.raises(BadInput):
        telling.add(url)
    assert telling.targets.of(Owner("alice")) == []


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("mailtos://name:secret@example.org?to=me@example.org", "E-Mail"),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general", "Slack"),
        ("workflows://example.org/workflow/signature", "Power Automate / Workflows (for MSTeams)"),
        ("jsons://example.org/hook", "JSON"),
    ],
)
def test_what_people_use_is_offered(telling: Telling, url: str, kind: str) -> None:
    assert telling.get(telling.add(url)).kind == kind
