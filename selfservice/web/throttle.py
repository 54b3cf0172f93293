"""How often a password may be wrong before somebody has to wait."""

from __future__ import annotations

import hashlib
from typing import Any

from flask import Flask, Response, g, request
from flask_limiter import Limiter
from flask_login import current_user

from selfservice.accounts.accounts import normal
from selfservice.audit.actions import Kind
from selfservice.web.bearer import audit_refusal
from selfservice.web.services import services

#: Failures of one address, whatever names it tries; many people may sit behind one address.
PER_ADDRESS = "30 per 15 minutes"
#: Failures for one account, from wherever they come.
PER_ACCOUNT = "10 per 15 minutes"


def install(app: Flask) -> None:
    """Throttle wrong passwords wherever they can be tried; right ones never count.

    The counts live in the memory of the one web process: a restart forgets them.
    """
    limiter = Limiter(_address, app=app, storage_uri="memory://", headers_enabled=True)
    for endpoint in ("accounts.sign_in", "accounts.password"):
        view: Any = app.view_functions[endpoint]
        for limit, key in ((PER_ADDRESS, _address), (PER_ACCOUNT, _account)):
            view = limiter.limit(
                limit,
                key_func=key,
                methods=["POST"],
                deduct_when=_password_was_wrong,
                error_message=_sentence,
                on_breach=_audit,
            )(view)
        app.view_functions[endpoint] = view


def note_wrong_password() -> None:
    """Count this request against its address and its account."""
    g.password_was_wrong = True


def _password_was_wrong(_response: Response) -> bool:
    return bool(g.get("password_was_wrong", False))


def _address() -> str:
    return f"address {request.remote_addr}"


def _account() -> str:
    name = current_user.name if current_user.is_authenticated else normal(request.form.get("name", ""))
    return "account " + hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


def _sentence() -> str:
    return "There were too many wrong passwords. Wait a few minutes, then try again."


def _audit(_limit: object) -> None:
    audit_refusal(services().journal, Kind.ACCOUNT_SIGN_IN, "too many wrong passwords")
