"""The tokens by which nodes know one another: made, hashed, compared."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime

START = "ssn_"


def new_token() -> str:
    """A token with 256 random bits."""
    return START + secrets.token_urlsafe(32)


def hash_of(token: str) -> str:
    """SHA-256 of a token, as the other side keeps it: with so many random bits a slow hash would add nothing."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def calling_token(key: str, name: str, generation: int) -> str:
    """The token by which a master with this key calls the node `name`: nothing has to be kept for each of them."""
    digest = hmac.digest(key.encode(), f"{name}:{generation}".encode(), "sha256")
    return START + base64.urlsafe_b64encode(digest).decode().rstrip("=")


def is_one_of(token: str, hashes: Iterable[str]) -> bool:
    """Whether `token` belongs to one of the hashes, each compared in constant time."""
    found = hash_of(token)
    return any(hmac.compare_digest(found, each) for each in hashes)


def still_good(until: datetime | None) -> bool:
    """Whether a token that is good until then is good now."""
    return until is not None and datetime.now(UTC) < until
