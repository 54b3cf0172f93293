"""Where this dashboard is called, for people who copy it from a page."""

from __future__ import annotations

from flask import request

from selfservice.web.services import services


def own_address() -> str:
    """As it is set; where nothing is, as whoever looks at the page has called it, and for their eyes alone."""
    return services().settings.address or request.url_root.rstrip("/")
