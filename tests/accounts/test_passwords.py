"""Passwords tell nothing about who exists."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from selfservice.accounts.passwords import Passwords


class Watched(PasswordHasher):
    """Keeps what it was asked to verify."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:
        self.asked.append(str(hash))
        return super().verify(hash, password)


def test_who_does_not_exist_costs_the_same_work() -> None:
    hasher = Watched()
    passwords = Passwords(hasher)
    assert not passwords.matches(None, "a sentence of four words")
    (asked,) = hasher.asked
    assert not passwords.outdated(asked)  # the very costs of a password kept today
    with pytest.raises(VerifyMismatchError):  # looked at to the end, and not refused for its form
        PasswordHasher().verify(asked, b"a sentence of four words")


def test_nobody_has_the_hash_of_nobody_in_two_processes() -> None:
    asked = []
    for hasher in (Watched(), Watched()):
        Passwords(hasher).matches(None, "x")
        asked += hasher.asked
    assert asked[0] != asked[1]
