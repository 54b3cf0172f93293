"""Passwords: how they are kept, checked and chosen."""

from __future__ import annotations

import secrets
import unicodedata
from base64 import b64encode

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION

from selfservice.errors import BadInput

MINIMUM_LENGTH = 12
#: Longer ones only cost time to hash.
MAXIMUM_LENGTH = 1024
#: Out of 4; below it a password is found by less than 10⁸ guesses.
_LEAST_SCORE = 3
#: What comes after it cannot make a password worse, and costs time to look at.
_LOOKED_AT = 72


class Passwords:
    """Hashes with Argon2id (RFC 9106) and takes the same time for people who do not exist."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        """Use `hasher`, or the library's recommended costs."""
        self._hasher = hasher or PasswordHasher()
        self._nobody = _of_nobody(self._hasher)

    def hash(self, password: str) -> str:
        """What to keep instead of `password`."""
        return self._hasher.hash(_bytes(password))

    def matches(self, kept: str | None, password: str) -> bool:
        """Whether `password` is the one behind `kept`; the same work where `kept` is None."""
        if len(password) > MAXIMUM_LENGTH:
            password, kept = "", None
        try:
            self._hasher.verify(kept or self._nobody, _bytes(password))
        except (VerificationError, InvalidHashError):
            return False
        return kept is not None

    def outdated(self, kept: str) -> bool:
        """Whether `kept` was made with other costs than today's."""
        return self._hasher.check_needs_rehash(kept)


def check_new(password: str, name: str, field: str = "new") -> None:
    """Raise `BadInput` with the reason where `password` cannot be chosen by the person called `name`.

    Whether it is easy to guess says zxcvbn, by its lists of passwords from breaches, of names
    and words, and by patterns such as dates and rows of keys.
    """
    if len(password) < MINIMUM_LENGTH:
        raise BadInput(f"A password needs at least {MINIMUM_LENGTH} characters; this one has {len(password)}.", field)
    if len(password) > MAXIMUM_LENGTH:
        raise BadInput(f"A password has at most {MAXIMUM_LENGTH} characters.", field)
    from zxcvbn import zxcvbn  # 12 MB of lists, in memory only where somebody chooses a password

    judged = zxcvbn(password[:_LOOKED_AT], user_inputs=[name, "selfservice"])
    if judged["score"] < _LEAST_SCORE:
        why = str(judged["feedback"]["warning"]).rstrip(".")
        raise BadInput(
            f"This password is too easy to guess{f' ({why[0].lower()}{why[1:]})' if why else ''}; "
            "take a few words that do not belong together.",
            field,
        )


def generate() -> str:
    """A password nobody can guess."""
    return secrets.token_urlsafe(18)


def _bytes(password: str) -> bytes:
    # The same letters typed on two keyboards may be different code points.
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogateescape")


def _of_nobody(hasher: PasswordHasher) -> str:
    """A hash that no password has, and that takes as much to look at as one of `hasher`."""
    salt, digest = (
        b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (hasher.salt_len, hasher.hash_len)
    )
    costs = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v={ARGON2_VERSION}${costs}${salt}${digest}"
