"""The key by which addresses of targets are sealed."""

from __future__ import annotations

from selfservice.settings import Settings
from selfservice.store.sealing import Seal


def sealing(settings: Settings) -> Seal:
    """Its seal."""
    return Seal(settings.instance / "notifications_key")
