"""What every answer carries so that browsers keep strangers out, and how a request is named."""

from __future__ import annotations

import secrets

from flask import Flask, Response, g, request
from flask_login import current_user
from werkzeug.middleware.proxy_fix import ProxyFix

from selfservice.logs import request_id

MAXIMUM_REQUEST_BYTES = 1024 * 1024

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)
_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    # Flask-WTF compares the referrer under TLS, so this origin must go on seeing it.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def install(app: Flask, *, trusted_proxies: int) -> None:
    """Set limits, headers and request ids on everything `app` answers."""
    app.config["MAX_CONTENT_LENGTH"] = MAXIMUM_REQUEST_BYTES
    if trusted_proxies:
        # The host comes as Host: a proxy that does not set X-Forwarded-Host would pass on a stranger's.
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=trusted_proxies, x_proto=trusted_proxies, x_host=0
        )
    app.before_request(_name_request)
    app.after_request(_add_headers)
    app.teardown_request(_forget_request)


def _name_request() -> None:
    g.request_id = secrets.token_hex(8)
    request_id.set(g.request_id)


def _forget_request(_error: BaseException | None) -> None:
    request_id.set("-")


def _add_headers(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    if "request_id" in g:
        response.headers["X-Request-ID"] = g.request_id
    if _is_personal():
        response.headers["Cache-Control"] = "no-store"
    return response


def _is_personal() -> bool:
    """Whether this answer is for the signed-in person alone; the program's own files are for all."""
    if request.endpoint is None or request.endpoint.endswith("static"):
        return False
    return g.get("token") is not None or bool(getattr(current_user, "is_authenticated", False))
