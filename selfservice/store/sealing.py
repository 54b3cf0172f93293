"""Secrets as they may lie on disk: sealed with a key that this node has made for itself."""

from __future__ import annotations

from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from selfservice.store.keys import kept_key


class SealBroken(ValueError):
    """Sealed with another key, or changed since."""


class Seal:
    """Seals texts with the key in one file; the key is made when it is first needed."""

    def __init__(self, key: Path) -> None:
        """Name the file of the key."""
        self._key = key

    def seal(self, secret: str) -> str:
        """A secret as it may lie on disk. Raises Unavailable."""
        return self._fernet().encrypt(secret.encode()).decode("ascii")

    def unseal(self, sealed: str) -> str:
        """The secret again. Raises SealBroken, Unavailable."""
        try:
            return self._fernet().decrypt(sealed.encode()).decode()
        except InvalidToken as error:
            raise SealBroken(f"This was not sealed with the key in {self._key}.") from error

    def _fernet(self) -> Fernet:
        return Fernet(kept_key(self._key, Fernet.generate_key))
