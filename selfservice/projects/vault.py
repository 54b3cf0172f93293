"""The one module that uses ansible-vault's format: secrets sealed by keys that lie somewhere else."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from selfservice.errors import Unavailable
from selfservice.projects.errors import SecretsUnreadable
from selfservice.store import files


class Vault:
    """Seals and opens texts with the keys in one file, the newest of which seals.

    The file has a key a line, after its id; the id stands in the header of what it sealed (format 1.2), so that
    `ansible-vault view --vault-id` opens it as well.
    """

    def __init__(self, keys: Path) -> None:
        """Name the file of keys; it is made when the first secret is sealed."""
        self._path = keys

    def held(self) -> AbstractContextManager[None]:
        """While this lasts, nobody else seals or changes keys. Raises Unavailable."""
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise Unavailable(f"The folder {self._path.parent} cannot be made for keys: {error.strerror}.") from error
        return files.locked(self._path.with_name(f".{self._path.name}.lock"))

    def seal(self, text: str) -> str:
        """`text` as it may be kept; call it while `held`. Raises SecretsUnreadable, Unavailable."""
        from ansible.parsing.vault import VaultLib

        keys = self._keys() or self.add_key()
        name, key = keys[0]
        return str(VaultLib().encrypt(text, secret=_secret(key), vault_id=name).decode())

    def open(self, sealed: str) -> str:
        """The text again. Raises SecretsUnreadable where none of the keys opens it."""
        from ansible.errors import AnsibleError
        from ansible.parsing.vault import VaultLib

        known = [(name, _secret(key)) for name, key in self._keys()]
        try:
            return str(VaultLib(known).decrypt(sealed.encode()).decode())
        except AnsibleError as error:
            raise SecretsUnreadable(
                f"The secrets of this project cannot be opened by the keys in {self._path}. Put the file back that "
                "sealed them, or type them again."
            ) from error

    def add_key(self) -> list[tuple[str, str]]:
        """A new key that seals from now on, before the others; call it while `held`. Raises Unavailable."""
        return self._write([(f"key-{secrets.token_hex(4)}", secrets.token_urlsafe(48)), *self._keys()])

    def forget_old_keys(self) -> None:
        """Keep the newest key alone; call it while `held`, when nothing is sealed by another. Raises Unavailable."""
        self._write(self._keys()[:1])

    def reseal(self, sealed: str) -> str:
        """The same text, sealed by the newest key. Raises SecretsUnreadable."""
        return self.seal(self.open(sealed)) if sealed else ""

    def _keys(self) -> list[tuple[str, str]]:
        try:
            lines = self._path.read_text(encoding="ascii").splitlines()
        except FileNotFoundError:
            return []
        except (OSError, UnicodeDecodeError) as error:
            raise SecretsUnreadable(f"The keys in {self._path} cannot be read: {error}.") from error
        found = [line.split() for line in lines if line.strip()]
        if any(len(each) != 2 for each in found):
            raise SecretsUnreadable(f"{self._path} is no file of keys: each line is the id of a key and the key.")
        return [(name, key) for name, key in found]

    def _write(self, keys: list[tuple[str, str]]) -> list[tuple[str, str]]:
        try:
            files.write_bytes(self._path, "".join(f"{name} {key}\n" for name, key in keys).encode())
        except OSError as error:
            raise Unavailable(f"The keys cannot be written to {self._path}: {error.strerror}.") from error
        return keys


def _secret(key: str) -> Any:
    from ansible.parsing.vault import VaultSecret

    make: Callable[[bytes], Any] = VaultSecret
    return make(key.encode())
