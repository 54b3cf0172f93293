"""The key of the dashboard: the one that signs sessions."""

from __future__ import annotations

import secrets

from selfservice.settings import Settings
from selfservice.store.keys import kept_key


def secret_key(settings: Settings) -> str:
    """The key that signs sessions."""
    return kept_key(settings.instance / "secret_key", _generate)


def _generate() -> bytes:
    return secrets.token_urlsafe(48).encode()
