"""Ids of what is kept in files: they sort by time, and cannot lead out of a folder."""

from __future__ import annotations

import re
import secrets
from datetime import datetime

_ID = re.compile(r"\d{8}T\d{6}-[0-9a-f]{6,16}\Z")


def new_id(now: datetime, random_bytes: int = 3) -> str:
    """A fresh id: UTC time to the second, then a random part."""
    return f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(random_bytes)}"


def is_id(text: str) -> bool:
    """Whether `text` has the form of an id."""
    return bool(_ID.match(text))
