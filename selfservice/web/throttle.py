"""How often somebody may fail to sign in before having to wait."""

from __future__ import annotations

import hashlib

from flask import Flask, Response, g, request
from flask_limiter import Limiter

from selfservice.accounts.accounts import normal
from selfservice.audit.actions import Kind
from selfservice.web.bearer import audit_refusal
from selfservice.web.services import services

#: Failures of one address, whatever names it tries; many people may sit behind one address.
PER_ADDRESS = "30 per 15 minutes"
#: Failures for one account, from wherever they come.
PER_ACCOUNT = "10 per 15 minutes"


def install(app: Flask, endpoint: str) -> None:
    """Throttle failed sign-ins at `endpoint`; good ones never count.

    The counts live in the memory of the one web process: a restart forgets them.
    """
    limiter = Limiter(_address, app=app, storage_uri="memory://", headers_enabled=True)
    view = app.view_functions[endpoint]
    for limit, key in ((PER_ADDRESS, _address), (PER_ACCOUNT, _account)):
        view = limiter.limit(
            limit,
            key_func=key,
            methods=["POST"],
            deduct_when=_sign_in_failed,
            error_message=_sentence,
            on_breach=_audit,
        )(view)
    app.view_functions[endpoint] = view


def note_failure() -> None:
    """Count this request as a failed sign-in."""
    g.sign_in_failed = True


def _sign_in_failed(_response: Response) -> bool:
    return bool(g.get("sign_in_failed", False))


def _address() -> str:
    return f"address {request.remote_addr}"


def _account() -> str:
    name = normal(request.form.get("name", ""))
    return "account " + hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


def _sentence() -> str:
    return "There were too many failed sign-ins. Wait a few minutes, then try again."


def _audit(_limit: object) -> None:
    audit_refusal(services().journal, Kind.ACCOUNT_SIGN_IN, "too many failed sign-ins")
