"""People looked after in a terminal."""

from __future__ import annotations

from dataclasses import replace

import pytest

from selfservice.accounts.errors import LastAdministrator
from selfservice.node import people
from selfservice.settings import NodeType, SettingError, Settings


def test_somebody_is_added_listed_and_given_another_role(settings: Settings) -> None:
    said = people.add(settings, "alice", "viewer")
    assert said.startswith("alice signs in with this password, shown this once: ")
    assert people.listed(settings) == "admin  administrator\nalice  viewer"
    assert people.give_role(settings, "alice", "sales-agent") == "alice is now sales-agent."
    assert people.listed(settings).endswith("alice  sales-agent")


def test_the_last_administrator_stays_in_a_terminal_too(settings: Settings) -> None:
    with pytest.raises(LastAdministrator):
        people.give_role(settings, "admin", "viewer")


def test_a_worker_has_no_people(settings: Settings) -> None:
    with pytest.raises(SettingError, match="on the master"):
        people.listed(replace(settings, node_type=NodeType.WORKER))


def test_a_token_is_made_listed_and_revoked(settings: Settings) -> None:
    people.add(settings, "alice", "viewer")
    secret = people.create_token(settings, "nightly", "read", "alice")
    assert secret.startswith("ss_")
    assert people.list_tokens(settings) == "alice/nightly  read  until revoked  used never"
    assert people.revoke_token(settings, "alice/nightly") == "The token alice/nightly is revoked."
    assert people.list_tokens(settings) == ""
