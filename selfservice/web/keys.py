"""The keys of the applications: the one that signs sessions, the one by which nodes know each other."""

from __future__ import annotations

import secrets

from selfservice.settings import NodeType, SettingError, Settings
from selfservice.store.keys import kept_key


def secret_key(settings: Settings) -> str:
    """The key that signs sessions."""
    return kept_key(settings.instance / "secret_key", _generate)


def node_token(settings: Settings) -> str:
    """The token by which nodes call one another.

    Raises `SettingError` on a worker that was not given its master's token.
    """
    if settings.master_bearer_token:
        return settings.master_bearer_token
    if settings.node_type is NodeType.WORKER:
        raise SettingError(
            "MASTER_BEARER_TOKEN is missing: a worker needs the token of its master, which stands "
            "in instance/node_token there."
        )
    return kept_key(settings.instance / "node_token", _generate)


def _generate() -> bytes:
    return secrets.token_urlsafe(48).encode()
