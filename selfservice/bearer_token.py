"""A token sent with every call of a `requests` session."""

from __future__ import annotations

import requests
from requests.auth import AuthBase


class BearerToken(AuthBase):
    """The token; as an `auth` of requests, a .netrc cannot replace it and no other host is sent it."""

    def __init__(self, token: str) -> None:
        """Send `token` with every call."""
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the header."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request
